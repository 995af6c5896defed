//! Status codes (RFC 9110, section 15; RFC 6585).

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u16);

impl Status {
    /// 101, see [`Status::reason`].
    pub const SWITCHING: Self = Self(101);
    /// 200, see [`Status::reason`].
    pub const OK: Self = Self(200);
    /// 204, see [`Status::reason`].
    pub const NO_CONTENT: Self = Self(204);
    /// 206, see [`Status::reason`].
    pub const PARTIAL: Self = Self(206);
    /// 302, see [`Status::reason`].
    pub const FOUND: Self = Self(302);
    /// 304, see [`Status::reason`].
    pub const NOT_MODIFIED: Self = Self(304);
    /// 400, see [`Status::reason`].
    pub const BAD_REQUEST: Self = Self(400);
    /// 401, see [`Status::reason`].
    pub const UNAUTHORIZED: Self = Self(401);
    /// 403, see [`Status::reason`].
    pub const FORBIDDEN: Self = Self(403);
    /// 404, see [`Status::reason`].
    pub const NOT_FOUND: Self = Self(404);
    /// 405, see [`Status::reason`].
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 408, see [`Status::reason`].
    pub const REQUEST_TIMEOUT: Self = Self(408);
    /// 413, see [`Status::reason`].
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// 414, see [`Status::reason`].
    pub const URI_TOO_LONG: Self = Self(414);
    /// 416, see [`Status::reason`].
    pub const RANGE_NOT_SATISFIABLE: Self = Self(416);
    /// 417, see [`Status::reason`].
    pub const EXPECTATION_FAILED: Self = Self(417);
    /// 426, see [`Status::reason`].
    pub const UPGRADE_REQUIRED: Self = Self(426);
    /// 429, see [`Status::reason`].
    pub const TOO_MANY_REQUESTS: Self = Self(429);
    /// 431, see [`Status::reason`].
    pub const HEAD_TOO_LARGE: Self = Self(431);
    /// 500, see [`Status::reason`].
    pub const INTERNAL_ERROR: Self = Self(500);
    /// 501, see [`Status::reason`].
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// 503, see [`Status::reason`].
    pub const UNAVAILABLE: Self = Self(503);
    /// 504, see [`Status::reason`].
    pub const GATEWAY_TIMEOUT: Self = Self(504);
    /// 505, see [`Status::reason`].
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    /// The words of RFC 9110 and RFC 6585.
    pub const fn reason(self) -> &'static str {
        match self.0 {
            101 => "Switching Protocols",
            200 => "OK",
            204 => "No Content",
            206 => "Partial Content",
            302 => "Found",
            304 => "Not Modified",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            413 => "Content Too Large",
            414 => "URI Too Long",
            416 => "Range Not Satisfiable",
            417 => "Expectation Failed",
            426 => "Upgrade Required",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            505 => "HTTP Version Not Supported",
            _ => "Error",
        }
    }
}
