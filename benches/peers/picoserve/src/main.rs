//! `picoserve-peer PORT VERSION`: answers like the device under measurement, with picoserve on one thread.
//!
//! `/command/version` has VERSION bytes of JSON, `/1k.bin` and `/100k.bin` have the sizes in their names. It closes
//! after each answer, as the device does.

use std::net::Ipv4Addr;
use std::rc::Rc;

use picoserve::routing::get;
use picoserve::{Config, Router, Server};

static CONFIG: Config = Config::const_default().close_connection_after_response();
static LARGE: [u8; 100_000] = [b'x'; 100_000];

type Error = Box<dyn std::error::Error>;

fn number(place: usize) -> Result<usize, Error> {
    Ok(std::env::args().nth(place).ok_or("picoserve-peer PORT VERSION")?.parse()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (port, length) = (u16::try_from(number(1)?)?, number(2)?);
    let version: &'static str = "x".repeat(length).leak();
    let app = Router::new()
        .route("/command/version", get(move || async move { (("Cache-Control", "no-store"), version) }))
        .route("/1k.bin", get(|| async { &LARGE[..1000] }))
        .route("/100k.bin", get(|| async { &LARGE[..] }));
    let app = Rc::new(app);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let tasks = tokio::task::LocalSet::new();
    tasks
        .run_until(async {
            loop {
                let (connection, _) = listener.accept().await?;
                let app = app.clone();
                tokio::task::spawn_local(async move {
                    // A client that disconnects is not a fault of the server.
                    let _ = Server::new_tokio(&app, &CONFIG, &mut [0; 4096]).serve(connection).await;
                });
            }
        })
        .await
}
