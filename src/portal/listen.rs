//! The portal on a socket of its own, for trying out: the same answers as behind a web server, on
//! loopback alone and without TLS.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::response::Status;
use super::{Call, Ground, TIME_LIMIT, answer, bare};

/// The longest head of a request: its line and its headers.
const MOST_HEAD: usize = 16 * 1024;

/// How many headers are looked at.
const MOST_HEADERS: usize = 64;

/// Opens the socket.
///
/// # Errors
/// The address is taken, or cannot be had.
pub fn open(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

/// Answers requests until it is killed, each on a thread of its own.
///
/// # Errors
/// The socket is gone.
pub fn serve(listener: &TcpListener, call: &Call) -> io::Result<()> {
    let address = listener.local_addr()?;
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            // One that went away before it was greeted is no trouble of ours.
            let Ok(stream) = stream else { continue };
            scope.spawn(move || {
                let _ = one(&stream, address, call);
            });
        }
    });
    Ok(())
}

/// Answers the request of a connection, and closes it.
fn one(stream: &TcpStream, address: SocketAddr, call: &Call) -> io::Result<()> {
    stream.set_read_timeout(Some(TIME_LIMIT))?;
    stream.set_write_timeout(Some(TIME_LIMIT))?;
    let mut reader = BufReader::new(stream);
    let Some(head) = read_head(&mut reader)? else { return Ok(()) };
    let mut out = stream;
    let Some(variables) = variables(&head) else {
        return bare(Status::BadRequest).write_http(&mut out, false);
    };
    let variable = |name: &str| variables.get(name).cloned();
    let answered = answer(call, Ground::Loopback(address), &variable, &mut reader);
    answered.response.write_http(&mut out, answered.head)?;
    // What was sent and not read would make the close a reset, and the answer be lost.
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    let _ = io::copy(&mut reader.take(1 << 20), &mut io::sink());
    // Who is answered may have gone.
    let _ = stream.shutdown(std::net::Shutdown::Both);
    answered.deliver();
    Ok(())
}

/// The head of a request, up to its empty line; nothing of a connection that was closed.
fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        reader.take((MOST_HEAD - before) as u64).read_until(b'\n', &mut head)?;
        if head.len() == before {
            return Ok((before > 0).then_some(head));
        }
        if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
            return Ok(Some(head));
        }
    }
}

/// The head as a web server hands it to a CGI program.
fn variables(head: &[u8]) -> Option<HashMap<String, Vec<u8>>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    if !request.parse(head).ok()?.is_complete() {
        return None;
    }
    let mut variables = HashMap::new();
    variables.insert("REQUEST_METHOD".to_owned(), request.method?.as_bytes().to_vec());
    variables.insert("REQUEST_URI".to_owned(), request.path?.as_bytes().to_vec());
    for header in request.headers.iter() {
        let name = header.name.to_ascii_uppercase().replace('-', "_");
        // A body whose length is not said beforehand is read by no CGI program.
        if name == "TRANSFER_ENCODING" {
            return None;
        }
        let name = match name.as_str() {
            "CONTENT_TYPE" | "CONTENT_LENGTH" => name,
            _ => format!("HTTP_{name}"),
        };
        // Two lengths, and two readers disagree where a request ends.
        if variables.insert(name.clone(), header.value.to_vec()).is_some()
            && name == "CONTENT_LENGTH"
        {
            return None;
        }
    }
    Some(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_becomes_the_variables_of_cgi() {
        let head = b"POST /details?a=1 HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\n\
            Content-Length: 3\r\nX-Real-Ip: 1\r\n\r\n";
        let found = variables(head).unwrap();
        for (name, value) in [
            ("REQUEST_METHOD", "POST"),
            ("REQUEST_URI", "/details?a=1"),
            ("CONTENT_TYPE", "a/b"),
            ("CONTENT_LENGTH", "3"),
            ("HTTP_HOST", "x"),
            ("HTTP_X_REAL_IP", "1"),
        ] {
            assert_eq!(found.get(name).map(Vec::as_slice), Some(value.as_bytes()), "{name}");
        }
    }

    #[test]
    fn two_lengths_or_none_beforehand_are_no_request() {
        for head in [
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\n",
            "\r\n\r\n",
            "GET /\0 HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(variables(head.as_bytes()), None, "{head:?}");
        }
    }
}
