//! A receiver of hooks that takes each event at once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::Done;
use crate::measure::run;

/// The ids that came, in order.
type Taken = Arc<Mutex<Vec<String>>>;

/// Runs a command that tells a hook of events; `PORT` in `config` stands for its port. Prints seconds
/// and peak RSS in MB. Fails where one was lost or came twice.
pub fn tell(events: usize, config: &str, command: &[&str]) -> Done {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    std::fs::write(config, std::fs::read_to_string(config)?.replace("PORT", &port))?;
    let taken = Taken::default();
    let shared = Arc::clone(&taken);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let taken = Arc::clone(&shared);
            thread::spawn(move || serve(client, &taken));
        }
    });
    let (status, took, kib) = run(command)?;
    let taken = taken.lock().map_err(|_| "a connection failed")?;
    let (came, distinct) = (taken.len(), taken.iter().collect::<BTreeSet<_>>().len());
    if status != 0 || distinct != events || came != events {
        let ended = format!("wait status {status}");
        return Err(format!("{events} events: {came} came, {distinct} distinct; {ended}").into());
    }
    println!("{:.6} {}", took.as_secs_f64(), kib / 1024);
    Ok(())
}

fn serve(client: TcpStream, taken: &Taken) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut out = client.try_clone()?;
    let mut from = BufReader::new(client);
    let mut line = String::new();
    let (mut id, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "webhook-id" => id = value.trim().to_owned(),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        } else if line.trim().is_empty() {
            from.read_exact(&mut vec![0; length])?;
            if let Ok(mut taken) = taken.lock() {
                taken.push(std::mem::take(&mut id));
            }
            out.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        }
    }
}
