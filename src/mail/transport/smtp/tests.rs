//! The relay here is a scripted server on 127.0.0.1.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex};

use super::super::tests::Memory;
use super::super::{Transport, deliver};
use super::*;

/// What the server does with one e-mail.
#[derive(Clone, Copy, PartialEq)]
enum Act {
    Take,
    /// Answers so to a command: MAIL, RCPT, DATA, the final dot, or the connection itself.
    Answer(&'static str, &'static str),
    /// Closes instead of answering.
    CloseAt(&'static str),
}

/// What the server saw.
#[derive(Default)]
struct Seen {
    connections: usize,
    emails: Vec<(usize, String)>,
}

type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    /// Asks the script what to do with each e-mail, by the connection's number (from 1) and the
    /// sender's MAIL line count on it (`"1"`, `"2"`, …), and before that (`"0"`) with the
    /// connection.
    fn start(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, script): (_, Arc<Script>) = (Arc::clone(&seen), Arc::new(script));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, script) = (Arc::clone(&shared), Arc::clone(&script));
                let connection = {
                    let mut seen = seen.lock().unwrap();
                    seen.connections += 1;
                    seen.connections
                };
                thread::spawn(move || serve(stream.unwrap(), connection, &seen, &*script));
            }
        });
        Server { port, seen }
    }

    fn transport(&self, connections: usize) -> Transport {
        Transport::Smtp(Smtp { connections, ..relay(self.port) })
    }

    fn deliver(&self, emails: i64, connections: usize) -> Memory {
        let mut outbox = Memory::with(emails);
        deliver(&self.transport(connections), &mut outbox).unwrap();
        assert!(outbox.most_in_flight <= connections);
        outbox
    }

    fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    fn taken(&self) -> usize {
        self.seen.lock().unwrap().emails.len()
    }
}

fn relay(port: u16) -> Smtp {
    Smtp {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::None,
        user: None,
        password: None,
        connections: 1,
        timeout: Duration::from_secs(2),
        ca_file: None,
    }
}

/// Speaks SMTP until the client quits or the script closes.
fn serve(stream: TcpStream, connection: usize, seen: &Mutex<Seen>, script: &Script) {
    let mut out = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(|line| line.ok());
    let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
    if let Act::Answer("connect", answer) = script(connection, "0") {
        let _ = say(answer);
        return;
    }
    if say("220 ready").is_err() {
        return;
    }
    let (mut count, mut act) = (0, Act::Take);
    while let Some(line) = lines.next() {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        if verb == "MAIL" {
            count += 1;
            act = script(connection, &count.to_string());
        }
        let answer = match (act, verb.as_str()) {
            (Act::CloseAt(at), verb) if at == verb => return,
            (Act::Answer(at, answer), verb) if at == verb => answer,
            (_, "QUIT") => {
                let _ = say("221 bye");
                return;
            }
            (_, "DATA") => "354 go on",
            (_, "RCPT") if line.contains("gone@") => "550 5.1.1 no such user",
            _ => "250 ok",
        };
        if say(answer).is_err() {
            return;
        }
        if answer.starts_with("354") {
            let text: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
            let answer = match act {
                Act::CloseAt("dot") => return,
                Act::Answer("dot", answer) => answer,
                _ => {
                    seen.lock().unwrap().emails.push((connection, text.join("\n")));
                    "250 queued"
                }
            };
            if say(answer).is_err() {
                return;
            }
        }
    }
}

#[test]
fn one_connection_takes_email_after_email() {
    let server = Server::start(|_, _| Act::Take);
    let outbox = server.deliver(3, 1);
    assert!((1..=3).all(|id| *outbox.outcome(id) == Outcome::Sent));
    assert_eq!((server.connections(), server.taken()), (1, 3));
    let seen = server.seen.lock().unwrap();
    assert_eq!(seen.emails[0].1, "Subject: 1\n\n..first\nlast", "the dot is doubled");
}

#[test]
fn a_connection_is_opened_anew_after_a_hundred_emails() {
    let server = Server::start(|_, _| Act::Take);
    server.deliver(101, 1);
    assert_eq!((server.connections(), server.taken()), (2, 101));
}

#[test]
fn a_refused_recipient_keeps_nobody_else_waiting() {
    let server = Server::start(|_, count| match count {
        "1" => Act::Answer("RCPT", "550 5.1.1 no such user"),
        _ => Act::Take,
    });
    let outbox = server.deliver(2, 1);
    let Outcome::Refused(text) = outbox.outcome(1) else { panic!("{:?}", outbox.done) };
    assert_eq!(text, "127.0.0.1: 550 5.1.1 no such user");
    assert_eq!(*outbox.outcome(2), Outcome::Sent);
    assert_eq!(server.connections(), 1);
}

/// SendGrid's answer to the text of every e-mail whose sender it has not verified.
const NOT_VERIFIED: &str = "550 The from address does not match a verified Sender Identity.";

#[test]
fn a_sender_who_is_refused_fails_no_email_and_stops_the_run() {
    for at in ["MAIL", "DATA", "dot"] {
        let server = Server::start(move |_, _| Act::Answer(at, NOT_VERIFIED));
        let outbox = server.deliver(40, 1);
        assert!(matches!(outbox.outcome(1), Outcome::NotFromUs(_)), "{:?}", outbox.done);
        assert!(matches!(outbox.outcome(3), Outcome::Down(_)), "{:?}", outbox.done);
        assert_eq!((outbox.done.len(), outbox.waiting.len()), (3, 37), "{at}");
    }
}

#[test]
fn a_relay_that_takes_one_email_in_two_goes_on() {
    let server = Server::start(|_, count| match count.parse::<u32>() {
        Ok(count) if count % 2 == 0 => Act::Answer("dot", "554 5.7.1 looks like spam"),
        _ => Act::Take,
    });
    let outbox = server.deliver(10, 1);
    assert_eq!((outbox.done.len(), server.taken()), (10, 5));
    assert!(matches!(outbox.outcome(10), Outcome::NotFromUs(_)), "{:?}", outbox.done);
}

#[test]
fn a_copy_that_is_refused_leaves_the_email_sent() {
    let server = Server::start(|_, _| Act::Take);
    let mut outbox = Memory::with(2);
    outbox.waiting[0].cc = vec!["gone@example.org".into(), "kept@example.org".into()];
    deliver(&server.transport(1), &mut outbox).unwrap();
    let Outcome::SentWithout(copies) = outbox.outcome(1) else { panic!("{:?}", outbox.done) };
    assert_eq!(copies[..], ["gone@example.org: 127.0.0.1: 550 5.1.1 no such user"]);
    assert_eq!(*outbox.outcome(2), Outcome::Sent);
    assert_eq!((server.connections(), server.taken()), (1, 2));
}

#[test]
fn leave_that_is_no_leave_sends_nothing() {
    let server = Server::start(|_, _| Act::Answer("DATA", "250 ok"));
    let outbox = server.deliver(1, 1);
    let Outcome::TryLater(text) = outbox.outcome(1) else { panic!("{:?}", outbox.done) };
    assert!(text.contains("something else: 250 ok"), "{text}");
    assert_eq!(server.taken(), 0);
}

/// A relay, or somebody on the way to it, that puts answers into the clear behind `220 go`.
#[test]
fn answers_that_were_slipped_in_before_starttls_are_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut out = stream.unwrap();
            let mut lines = BufReader::new(out.try_clone().unwrap()).lines();
            let _ = out.write_all(b"220 ready\r\n");
            while let Some(Ok(line)) = lines.next() {
                let answer = match line.as_str() {
                    "STARTTLS" => {
                        "220 go\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 queued\r\n"
                    }
                    _ => "250-relay\r\n250 STARTTLS\r\n",
                };
                let _ = out.write_all(answer.as_bytes());
            }
        }
    });
    let mut outbox = Memory::with(1);
    let smtp = Smtp { tls: Tls::Starttls, ..relay(port) };
    deliver(&Transport::Smtp(smtp), &mut outbox).unwrap();
    let Outcome::Down(text) = outbox.outcome(1) else { panic!("{:?}", outbox.done) };
    assert!(text.contains("answered before it was asked"), "{text}");
}

#[test]
fn a_busy_relay_is_tried_later() {
    for at in ["MAIL", "RCPT", "DATA", "dot"] {
        let server = Server::start(move |_, count| match count {
            "1" => Act::Answer(at, "451 4.3.0 busy"),
            _ => Act::Take,
        });
        let outbox = server.deliver(2, 1);
        let later = matches!(outbox.outcome(1), Outcome::TryLater(_) | Outcome::NotFromUs(_));
        assert!(later, "{at} {:?}", outbox.done);
        assert_eq!(*outbox.outcome(2), Outcome::Sent, "{at}");
        assert_eq!(server.connections(), 1, "{at}");
    }
}

#[test]
fn a_connection_that_the_relay_closed_is_opened_again() {
    for act in [Act::CloseAt("MAIL"), Act::CloseAt("DATA"), Act::Answer("MAIL", "421 idle")] {
        let server = Server::start(move |connection, count| match (connection, count) {
            (1, "2") => act,
            _ => Act::Take,
        });
        let outbox = server.deliver(3, 1);
        assert!((1..=3).all(|id| *outbox.outcome(id) == Outcome::Sent), "{:?}", outbox.done);
        assert_eq!((server.connections(), server.taken()), (2, 3));
    }
}

#[test]
fn a_new_connection_that_is_lost_is_not_tried_again() {
    let server = Server::start(|_, _| Act::CloseAt("RCPT"));
    let outbox = server.deliver(1, 1);
    assert!(matches!(outbox.outcome(1), Outcome::TryLater(_)), "{:?}", outbox.done);
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_email_without_an_answer_to_its_dot_is_not_sent_twice() {
    let server = Server::start(|connection, count| match (connection, count) {
        (1, "2") => Act::CloseAt("dot"),
        _ => Act::Take,
    });
    let outbox = server.deliver(3, 1);
    let Outcome::TryLater(text) = outbox.outcome(2) else { panic!("{:?}", outbox.done) };
    assert!(text.starts_with("no answer after the text"), "{text}");
    assert_eq!(*outbox.outcome(3), Outcome::Sent);
    assert_eq!((server.connections(), server.taken()), (2, 2));
}

#[test]
fn without_a_relay_nobody_else_is_tried() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut outbox = Memory::with(5);
    deliver(&Transport::Smtp(relay(port)), &mut outbox).unwrap();
    assert!(matches!(outbox.outcome(1), Outcome::Down(_)), "{:?}", outbox.done);
    assert_eq!((outbox.done.len(), outbox.waiting.len()), (1, 4));
}

const TOO_MANY: Act = Act::Answer("connect", "421 4.7.0 too many connections from you");

#[test]
fn a_connection_that_is_refused_leaves_its_letters_to_the_others() {
    let server = Server::start(|connection, _| if connection > 2 { TOO_MANY } else { Act::Take });
    let outbox = server.deliver(40, 4);
    assert!((1..=40).all(|id| *outbox.outcome(id) == Outcome::Sent), "{:?}", outbox.done);
    assert_eq!(server.taken(), 40);
    assert!(server.connections() <= 4, "nobody knocks again where the door was shut");
}

#[test]
fn a_relay_that_refuses_every_connection_is_down() {
    let server = Server::start(|_, _| TOO_MANY);
    let outbox = server.deliver(40, 4);
    assert!(
        outbox.done.iter().all(|(_, end)| matches!(end, Outcome::Down(_))),
        "{:?}",
        outbox.done
    );
    assert_eq!(outbox.done.len() + outbox.waiting.len(), 40);
    assert!((1..=4).contains(&outbox.done.len()) && outbox.in_flight == 0);
}

#[test]
fn a_relay_that_goes_away_in_the_middle_is_down() {
    let server = Server::start(|connection, count| match (connection, count) {
        (1, "3") => Act::CloseAt("MAIL"),
        (1, _) => Act::Take,
        _ => TOO_MANY,
    });
    let outbox = server.deliver(10, 1);
    assert_eq!((server.taken(), outbox.done.len()), (2, 3));
    assert!(matches!(outbox.outcome(3), Outcome::Down(_)), "{:?}", outbox.done);
}

#[test]
fn a_relay_without_starttls_gets_nothing_in_plain_text() {
    let server = Server::start(|_, _| Act::Take);
    let mut outbox = Memory::with(1);
    let smtp = Smtp { tls: Tls::Starttls, ..relay(server.port) };
    deliver(&Transport::Smtp(smtp), &mut outbox).unwrap();
    assert!(matches!(outbox.outcome(1), Outcome::Down(_)), "{:?}", outbox.done);
    assert_eq!(server.taken(), 0);
}

#[test]
fn an_address_outside_ascii_needs_a_relay_that_takes_it() {
    let server = Server::start(|_, _| Act::Take);
    let mut outbox = Memory::with(2);
    outbox.waiting[0].to = "été@example.fr".into();
    deliver(&server.transport(1), &mut outbox).unwrap();
    assert!(matches!(outbox.outcome(1), Outcome::Refused(_)), "{:?}", outbox.done);
    assert_eq!(*outbox.outcome(2), Outcome::Sent);
}

#[test]
fn connections_work_side_by_side() {
    // Nobody's MAIL is answered before three are there.
    let together = Barrier::new(3);
    let server = Server::start(move |_, count| {
        if count == "1" {
            together.wait();
        }
        Act::Take
    });
    let outbox = server.deliver(12, 3);
    assert!((1..=12).all(|id| *outbox.outcome(id) == Outcome::Sent), "{:?}", outbox.done);
    assert_eq!((server.connections(), server.taken()), (3, 12));
    assert_eq!(outbox.most_in_flight, 3);
}

#[test]
fn no_more_connections_than_emails() {
    let server = Server::start(|_, _| Act::Take);
    server.deliver(1, 8);
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_outbox_that_fails_still_hears_of_every_email_in_flight() {
    let server = Server::start(|_, _| Act::Take);
    let mut outbox = Memory { fail_done: true, ..Memory::with(9) };
    assert!(deliver(&server.transport(3), &mut outbox).is_err());
    assert_eq!(outbox.in_flight, 0);
    assert!(outbox.done.len() <= 3, "{:?}", outbox.done);
}

#[test]
fn what_would_cross_the_network_in_plain_text_is_refused() {
    let password = Some(Secret::new("hunter2".into()));
    let user = Some("apikey".to_owned());
    let local = relay(25);
    for good in [
        Smtp { host: "localhost".into(), ..local.clone() },
        Smtp { host: "[::1]".into(), ..local.clone() },
        Smtp {
            tls: Tls::Starttls,
            user: user.clone(),
            password: password.clone(),
            ..local.clone()
        },
    ] {
        assert_eq!(good.check(), Ok(()), "{good:?}");
        assert!(!format!("{good:?}").contains("hunter2"));
    }
    for bad in [
        Smtp { host: "smtp.example.com".into(), ..local.clone() },
        Smtp { host: "127.0.0.1.example.com".into(), ..local.clone() },
        Smtp { user: user.clone(), password: password.clone(), ..local.clone() },
        Smtp { tls: Tls::Implicit, user, ..local.clone() },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
