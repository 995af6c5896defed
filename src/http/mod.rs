//! Stand-in until the HTTP room lands.
use crate::command::Shell;
use crate::network::Service;
use crate::port::Interface;
/// The server.
pub struct HttpServer(#[allow(dead_code)] &'static Shell);
impl HttpServer {
    /// New.
    pub fn new(shell: &'static Shell) -> Self {
        Self(shell)
    }
}
impl Service for HttpServer {
    fn start(&self, _: Interface) {}
    fn stop(&self, _: Interface) {}
}
/// Accept.
pub async fn accept(_: &'static HttpServer) {}
/// Worker.
pub async fn worker(_: &'static HttpServer, _: usize) {}
