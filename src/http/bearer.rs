//! API tokens: what a client that sends `Authorization: Bearer <token>` may do (RFC 6750). An extension
//! (`docs/extensions.md`).

use core::fmt::{self, Write};

use super::access::Access;
use super::connection::Connection;
use super::failure::Failure;
use super::respond::Pen;
use crate::access::scope::Scope;
use crate::access::token::Ticket;
use crate::wire::http::request::Request;
use crate::wire::http::status::Status;

/// The token in an `Authorization` field; `None` for other schemes.
pub(super) fn token(field: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = field.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

/// The token of a request that lasts longer than its answer; `None` when the request does not need one.
pub(super) fn ticket(connection: &Connection<'_>, request: &Request, access: Access) -> Option<Ticket> {
    let field = request.fields.authorization.filter(|_| matches!(access, Access::Token(_)))?;
    let token = token(field.of(connection.buffer))?;
    Some(Ticket::new(connection.server.base(), token))
}

/// Answers that a token does not have a scope.
pub(super) async fn refuse(connection: &mut Connection<'_>, scope: Scope) -> Result<(), Failure> {
    let head_only = connection.head_only;
    let mut pen = Pen::new(connection.buffer);
    let begun = pen.answer(connection.server, Status::FORBIDDEN);
    begun.and_then(|()| explain(&mut pen, scope, head_only)).map_err(|_| Failure::Gone)?;
    let length = pen.length();
    connection.send(length).await
}

fn explain(pen: &mut Pen<'_>, scope: Scope, head_only: bool) -> fmt::Result {
    const TEXT: &str = "403 Forbidden: the token lacks the scope ";
    let name = scope.name();
    pen.field_of("WWW-Authenticate", format_args!("Bearer error=\"insufficient_scope\", scope=\"{name}\""))?;
    pen.body("text/plain", TEXT.len() + name.len() + 2)?;
    if head_only { Ok(()) } else { write!(pen, "{TEXT}{name}\r\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for field in ["Bearer abc", "bearer abc", "BEARER   abc  "] {
            assert_eq!(token(field.as_bytes()), Some(&b"abc"[..]));
        }
        assert_eq!(token(b"Bearer "), Some(&b""[..]));
        for field in ["", "Bearer", "Bearer\tabc", "Basic abc", "Bearers abc"] {
            assert_eq!(token(field.as_bytes()), None, "{field}");
        }
    }

    #[test]
    fn a_refusal_names_the_scope() {
        let mut buffer = [0; 256];
        let mut pen = Pen::new(&mut buffer);
        explain(&mut pen, Scope::Config, false).unwrap();
        let length = pen.length();
        assert_eq!(
            core::str::from_utf8(&buffer[..length]).unwrap(),
            "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"config\"\r\nContent-Type: text/plain\r\n\
             Content-Length: 49\r\n\r\n403 Forbidden: the token lacks the scope config\r\n"
        );
    }
}
