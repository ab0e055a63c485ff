//! The way to a coordinator: through a proxy, and with limits on what one caller takes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use super::site::Site;

/// A proxy that lets everybody to this machine by the name `basin.test`; what it was asked for comes out of the channel.
fn proxy() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || tunnel(stream, &sender));
        }
    });
    (port, asked)
}

fn tunnel(mut client: TcpStream, asked: &mpsc::Sender<String>) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let port =
        request.split_whitespace().nth(1).and_then(|to| to.strip_prefix("basin.test:")).map(str::to_owned);
    let _ = asked.send(request);
    let Some(mut server) = port.and_then(|port| TcpStream::connect(format!("127.0.0.1:{port}")).ok()) else {
        let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
        return;
    };
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    let _ = std::io::copy(&mut client, &mut server);
}

#[test]
fn a_proxy_is_gone_through_by_connect_and_its_password_is_kept() {
    let mut site = Site::new();
    site.token("viewer", "guest");
    let (_coordinator, url) = site.serve("127.0.0.1:0", &[]);
    let beyond = url.replace("127.0.0.1", "basin.test");
    let (port, asked) = proxy();
    site.sandbox.set("HTTPS_PROXY", &format!("http://somebody:hunter2@127.0.0.1:{port}"));
    let list = |site: &Site, url: &str| {
        let flags = ["--tls-ca", "ca.pem", "--token-file", "guest.token", "--coordinator", url];
        site.sandbox.basin(&[&["list"], &flags[..]].concat())
    };
    list(&site, &beyond).succeeded();
    let request = asked.try_recv().unwrap();
    assert!(request.starts_with("CONNECT basin.test:"), "{request}");
    // somebody:hunter2
    assert!(request.contains("Basic c29tZWJvZHk6aHVudGVyMg=="), "{request}");
    // This machine itself is never asked of a proxy.
    list(&site, &url).succeeded();
    assert!(asked.try_recv().is_err());
    let refused = list(&site, "https://elsewhere.test:1");
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains(&format!("the proxy 127.0.0.1:{port} can't be used")), "{}", refused.err);
    assert!(refused.err.contains("NO_PROXY") && !refused.err.contains("hunter2"), "{}", refused.err);
    site.sandbox.set("NO_PROXY", "basin.test");
    assert_eq!(list(&site, &beyond).code, Some(2), "no such name without the proxy");
}

#[test]
fn a_caller_who_calls_too_often_is_told_to_wait() {
    let site = Site::new();
    site.token("viewer", "guest");
    let (_coordinator, url) = site.serve("127.0.0.1:0", &["--calls-per-second", "1"]);
    let list = || {
        let flags = ["--tls-ca", "ca.pem", "--token-file", "guest.token", "--coordinator", &url];
        site.sandbox.basin(&[&["list"], &flags[..]].concat())
    };
    let refused = (0..50).map(|_| list()).find(|output| output.code != Some(0)).unwrap();
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("too many calls from one caller"), "{}", refused.err);
    assert!(refused.err.contains("--calls-per-second"), "{}", refused.err);
}

#[test]
fn a_connection_that_shows_nothing_is_closed() {
    let site = Site::new();
    site.token("viewer", "guest");
    let (_secured, secured) = site.serve("127.0.0.1:0", &[]);
    let (_plain, plain) = site.sandbox.serve("127.0.0.1:0", &["--tokens", "tokens.toml", "--state", "plain"]);
    let silent = [secured, plain].map(|url| {
        let mut stream = TcpStream::connect(url.split_once("://").unwrap().1).unwrap();
        stream.set_read_timeout(Some(basin_tests::TEST_TIMEOUT)).unwrap();
        // The preface of HTTP/2 and empty settings, and then nothing.
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        stream
    });
    for mut stream in silent {
        let mut output = Vec::new();
        // It ends by itself: nobody waits for the rest of it for ever.
        let ended = stream.read_to_end(&mut output);
        let is_closed = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(ended.as_ref().map_or_else(is_closed, |_| true), "{ended:?}");
    }
}
