//! E-mails that are due, and a mail relay that is slow to answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use billing::domain::calendar::plus_days;
use chrono::NaiveDate;

use crate::Done;
use crate::database::{fill, insert_tenants};
use crate::invoices::{Invoice, STAGES};
use crate::measure::run;

/// Fills a database with e-mails that are due, one a tenant, each of an overdue invoice.
pub fn queue(db: &str, emails: i64, as_of: NaiveDate) -> Done {
    fill(db, |conn| {
        insert_tenants(conn, emails)?;
        for id in 1..=emails {
            let invoice = Invoice::new(id, id, plus_days(as_of, -3));
            Invoice { reached: &STAGES[..1], ..invoice }.insert(conn)?;
        }
        conn.execute(
            "UPDATE emails SET status = 'queued', attempts = 0, first_tried_at = NULL,
               next_try_at = queued_at, sent_at = NULL",
            [],
        )?;
        Ok(())
    })
}

/// Each Message-ID that came, and how often.
type Inbox = Arc<Mutex<BTreeMap<String, u64>>>;

/// Runs a command that delivers to a relay which takes `delay` to answer the final dot, as
/// networks and virus scanners make it; `PORT` in `config` stands for its port. Fails where an
/// e-mail was lost or came twice.
pub fn deliver(delay: Duration, emails: usize, config: &str, command: &[&str]) -> Done {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    std::fs::write(config, std::fs::read_to_string(config)?.replace("PORT", &port))?;
    let inbox = Inbox::default();
    let shared = Arc::clone(&inbox);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let inbox = Arc::clone(&shared);
            thread::spawn(move || converse(client, delay, &inbox));
        }
    });
    let (status, took, _) = run(command)?;
    let inbox = inbox.lock().map_err(|_| "a conversation failed")?;
    let (came, distinct) = (inbox.values().sum::<u64>(), inbox.len());
    if status != 0 || distinct != emails || came != emails as u64 {
        let ended = format!("wait status {status}");
        return Err(format!("{emails} e-mails: {came} came, {distinct} distinct; {ended}").into());
    }
    println!("{:.6}", took.as_secs_f64());
    Ok(())
}

fn converse(client: TcpStream, delay: Duration, inbox: &Inbox) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut out = client.try_clone()?;
    let mut lines = BufReader::new(client).lines();
    out.write_all(b"220 bench\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut id = String::new();
                for line in lines.by_ref() {
                    match line? {
                        end if end == "." => break,
                        header if header.to_ascii_lowercase().starts_with("message-id:") => {
                            id = header
                        }
                        _ => {}
                    }
                }
                thread::sleep(delay);
                if let Ok(mut inbox) = inbox.lock() {
                    *inbox.entry(id).or_default() += 1;
                }
                out.write_all(b"250 taken\r\n")?;
            }
            "EHLO" => out.write_all(b"250-bench\r\n250 8BITMIME\r\n")?,
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                break;
            }
            _ => out.write_all(b"250 ok\r\n")?,
        }
    }
    Ok(())
}
