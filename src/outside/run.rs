//! Runs a program once: feeds it, hears it, and leaves nothing of it behind.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

/// How often it is asked whether the program has ended: often at first, most take milliseconds.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(50);

/// How long standard output may stay open after the program has ended: it may have left it to a
/// child, which answers in its place or never closes it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How long the kernel may take over what was killed: a process that hangs in a network file
/// system does not even die at once.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// How much is kept of what the program writes: of one answer, and of its complaints.
pub const LONGEST_ANSWER: usize = 64 * 1024;
const LONGEST_ERROR: usize = 4096;

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// `None` where the program had to be killed.
    pub status: Option<ExitStatus>,
    pub stdout: Heard,
    pub stderr: Heard,
}

/// What a program wrote, up to a limit.
#[derive(Debug, Default)]
pub struct Heard {
    pub bytes: Vec<u8>,
    /// Whether there was more than was kept.
    pub more: bool,
}

/// What whoever listens to a program has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heed {
    GoOn,
    /// It is doing what it should: its time begins anew.
    BeginAnew,
    /// It is killed, and handed on no more.
    BreakOff,
}

/// A program that was started, in a process group of its own with all that it starts. All of them
/// are killed when this is dropped.
///
/// When billing itself is killed they stay: only the program can tell whether it has charged, and
/// the same key asks it later. Being no part of billing's group, they do not see a Ctrl-C either.
#[derive(Debug)]
pub struct Group {
    leader: Child,
    /// Once it is, its process id may be another's.
    reaped: bool,
}

impl Group {
    /// Starts the program.
    ///
    /// # Errors
    /// Whatever the system says: no such file, no permission, text file busy.
    pub fn start(command: &mut Command) -> io::Result<Group> {
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Group { leader: command.spawn()?, reaped: false })
    }

    /// Hands the input to the program and hears it until it has ended, or until it is killed after
    /// `patience`. Of its standard output at most `longest` bytes are kept.
    ///
    /// # Errors
    /// The program cannot be heard or waited for. It is killed then, too.
    pub fn hold(self, input: &[u8], patience: Duration, longest: usize) -> io::Result<Ran> {
        self.hold_and_listen(input, patience, longest, |_| Heed::GoOn)
    }

    /// The same, where each piece of standard output is handed on as it comes, and the listener says
    /// what becomes of the program.
    ///
    /// # Errors
    /// As [`Group::hold`].
    pub fn hold_and_listen(
        mut self,
        input: &[u8],
        patience: Duration,
        longest: usize,
        listen: impl FnMut(&[u8]) -> Heed,
    ) -> io::Result<Ran> {
        let mut listen = Listener { listen, handed: 0 };
        let mut talk = Talk {
            left: input,
            stdin: without_waiting(self.leader.stdin.take())?,
            stdout: Ear::new(self.leader.stdout.take(), longest)?,
            stderr: Ear::new(self.leader.stderr.take(), LONGEST_ERROR)?,
        };
        let in_time = self.until_the_end(&mut talk, patience, |heard| listen.hand_on(heard))?;
        self.kill();
        talk.stdout.hear_what_is_left();
        talk.stderr.hear_what_is_left();
        // Once somebody broke off, nothing is new any more.
        let _ = listen.hand_on(&talk.stdout.heard.bytes);
        let status = match (in_time, self.reap()) {
            (true, None) => return Err(io::Error::other("its exit code is lost")),
            (true, status) => status,
            (false, _) => None,
        };
        Ok(Ran { status, stdout: talk.stdout.heard, stderr: talk.stderr.heard })
    }

    /// Whether the program ended in time, and had its last words.
    fn until_the_end(
        &self,
        talk: &mut Talk<'_>,
        patience: Duration,
        mut hand_on: impl FnMut(&[u8]) -> Heed,
    ) -> io::Result<bool> {
        let (mut since, mut patience) = (Instant::now(), patience);
        let (mut ended, mut nap) = (false, SHORTEST_NAP);
        loop {
            if !ended && self.has_ended()? {
                (ended, since, patience) = (true, Instant::now(), LAST_WORDS);
            }
            let left = patience.saturating_sub(since.elapsed());
            if left.is_zero() || (ended && talk.stdout.pipe.is_none()) {
                return Ok(ended);
            }
            talk.wait(nap.min(left))?;
            nap = if talk.go_on() { SHORTEST_NAP } else { (nap * 2).min(LONGEST_NAP) };
            match hand_on(&talk.stdout.heard.bytes) {
                Heed::BreakOff => return Ok(false),
                Heed::BeginAnew if !ended => since = Instant::now(),
                Heed::BeginAnew | Heed::GoOn => {}
            }
        }
    }

    /// Whether the program has ended. It is not reaped: until then its process id, which is its
    /// group's, is nobody else's.
    fn has_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match rustix::process::waitid(WaitId::Pid(self.id()), options) {
            Ok(ended) => Ok(ended.is_some()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Kills the program, where it has not ended, and all that it left behind.
    fn kill(&self) {
        // Where it cannot be waited for, the system has reaped it: billing was started with SIGCHLD
        // ignored.
        if self.has_ended().is_ok() {
            // Nothing is lost where nobody is left.
            let _ = rustix::process::kill_process_group(self.id(), Signal::KILL);
        }
    }

    /// How the program ended, once it was killed or has ended by itself.
    fn reap(&mut self) -> Option<ExitStatus> {
        let since = Instant::now();
        loop {
            match self.leader.try_wait() {
                Ok(None) if since.elapsed() < EXIT_GRACE => thread::sleep(SHORTEST_NAP),
                ended => {
                    let status = ended.ok().flatten();
                    self.reaped = status.is_some();
                    return status;
                }
            }
        }
    }

    fn id(&self) -> Pid {
        Pid::from_child(&self.leader)
    }
}

impl Drop for Group {
    /// Whatever went wrong, nothing stays behind. After a run that went well nothing is left to do.
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            self.reap();
        }
    }
}

/// Who is handed the pieces of what a program writes.
struct Listener<L> {
    listen: L,
    /// How much of it was handed on; all that there may be, once somebody broke off.
    handed: usize,
}

impl<L: FnMut(&[u8]) -> Heed> Listener<L> {
    /// Hands on what is new of `heard`.
    fn hand_on(&mut self, heard: &[u8]) -> Heed {
        let Some(new) = heard.get(self.handed..).filter(|new| !new.is_empty()) else {
            return Heed::GoOn;
        };
        self.handed = heard.len();
        let heed = (self.listen)(new);
        if heed == Heed::BreakOff {
            self.handed = usize::MAX;
        }
        heed
    }
}

/// What is said both ways. All in one thread, and no call waits but [`Talk::wait`]: a program that
/// does not read, or leaves its pipes to somebody who keeps them open, holds nothing up, and no
/// thread is left behind with such a pipe.
struct Talk<'a> {
    /// What was not yet taken of the input.
    left: &'a [u8],
    stdin: Option<ChildStdin>,
    stdout: Ear<ChildStdout>,
    stderr: Ear<ChildStderr>,
}

impl Talk<'_> {
    /// Waits until a pipe is ready, at most so long.
    fn wait(&self, nap: Duration) -> io::Result<()> {
        let mut pipes = Vec::with_capacity(3);
        pipes.extend(self.stdin.iter().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        pipes.extend(self.stdout.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        pipes.extend(self.stderr.pipe.iter().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let nap = Timespec::try_from(nap).map_err(io::Error::other)?;
        match rustix::event::poll(&mut pipes, Some(&nap)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes and reads what can be at once; whether there was anything.
    fn go_on(&mut self) -> bool {
        let fed = self.feed();
        let answered = self.stdout.hear();
        let complained = self.stderr.hear();
        fed || answered || complained
    }

    fn feed(&mut self) -> bool {
        let Some(pipe) = &mut self.stdin else { return false };
        match pipe.write(self.left) {
            Ok(taken) => self.left = &self.left[taken..],
            Err(error) if is_for_later(&error) => return false,
            // It does not read, or no more; its answer and its exit code say what that means.
            Err(_) => self.left = &[],
        }
        if self.left.is_empty() {
            // Closed, which is the end of file that the program waits for.
            self.stdin = None;
        }
        true
    }
}

/// One of the program's outputs: the first of it is kept, the rest read and dropped, since a full
/// pipe would stop the program in the middle of a charge.
struct Ear<P> {
    /// `None` once it is closed.
    pipe: Option<P>,
    keep: usize,
    heard: Heard,
}

impl<P: Read + AsFd> Ear<P> {
    fn new(pipe: Option<P>, keep: usize) -> io::Result<Ear<P>> {
        Ok(Ear { pipe: without_waiting(pipe)?, keep, heard: Heard::default() })
    }

    /// Reads once; whether there was anything, the end of it included.
    fn hear(&mut self) -> bool {
        let Some(pipe) = &mut self.pipe else { return false };
        let mut bytes = [0; 16 * 1024];
        match pipe.read(&mut bytes) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let kept = count.min(self.keep - self.heard.bytes.len());
                self.heard.bytes.extend_from_slice(&bytes[..kept]);
                self.heard.more |= kept < count;
            }
            Err(error) if is_for_later(&error) => return false,
            Err(_) => self.pipe = None,
        }
        true
    }

    /// Reads what is in the pipe, as far as it is kept: whoever escaped from the group may go on
    /// writing for ever.
    fn hear_what_is_left(&mut self) {
        while !self.heard.more && self.hear() {}
    }
}

/// The pipe, from now on without waiting for the other end.
fn without_waiting<P: AsFd>(pipe: Option<P>) -> io::Result<Option<P>> {
    if let Some(pipe) = &pipe {
        rustix::io::ioctl_fionbio(pipe, true)?;
    }
    Ok(pipe)
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
