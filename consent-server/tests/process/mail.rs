//! Mail leaves through a real mail server.

use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex};

use mailin_embedded::{Handler, Response, Server, SslConfig, response};

use super::*;

/// A mailbox that takes mail for one address and refuses all other.
#[derive(Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<u8>>>);

impl Handler for Mailbox {
    fn rcpt(&mut self, to: &str) -> Response {
        if to == "someone@example.org" { response::OK } else { response::NO_MAILBOX }
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(())
    }

    fn helo(&mut self, _: IpAddr, _: &str) -> Response {
        response::OK
    }
}

async fn subscribe(url: &str, address: &str) -> (u16, String) {
    let body = serde_json::json!({
        "subject": format!("email:{address}"), "purposes": ["analytics"], "language": "en",
    });
    let request = reqwest::Client::new().post(format!("{url}/v1/sites/example/subscriptions"));
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_mail_server_takes_it_or_refuses_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mailbox = Mailbox::default();
    let mut server = Server::new(mailbox.clone());
    server.with_ssl(SslConfig::None).unwrap().with_tcp_listener(listener);
    // Ends with the process of the tests.
    std::thread::spawn(move || server.serve().unwrap());

    let home = Home::new();
    home.edit("consent.toml", "file:data/mail", &format!("smtp://127.0.0.1:{port}"));
    let server = home.serve().await;
    assert_eq!(subscribe(&server.url, "Someone@Example.org").await.0, 202);
    let mail = String::from_utf8(mailbox.0.lock().unwrap().clone()).unwrap();
    assert!(mail.contains("To: someone@example.org"), "{mail}");
    assert!(mail.contains("Auto-Submitted: auto-generated"), "{mail}");
    assert!(mail.contains("/v1/sites/example/confirm?token"), "{mail}");

    let (status, problem) = subscribe(&server.url, "nobody@example.org").await;
    assert_eq!(status, 502, "{problem}");
    assert!(
        problem.contains("/problems/mail-unavailable") && !problem.contains("nobody"),
        "{problem}"
    );
    assert!(home.log().contains("the mail server refused it"), "{}", home.log());
    assert!(!home.log().contains("nobody"), "{}", home.log());
}

#[tokio::test]
async fn a_mail_server_that_is_not_there() {
    let home = Home::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    home.edit("consent.toml", "file:data/mail", &format!("smtp://127.0.0.1:{free}"));
    let server = home.serve().await;
    // The second time as well: what was not sent does not count as sent.
    for _ in 0..2 {
        let (status, problem) = subscribe(&server.url, "someone@example.org").await;
        assert_eq!(status, 502, "{problem}");
        assert!(problem.contains("please try again later"), "{problem}");
    }
}
