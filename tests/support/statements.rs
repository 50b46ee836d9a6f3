//! What SQLite really runs: every statement of a thread, as it ends, with what it cost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::Once;

use rusqlite::ffi;

/// What was run, as it was prepared.
pub type Statements = BTreeMap<String, Cost>;

/// How often a statement was run, and what that cost together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    pub times: u64,
    /// Steps of SQLite's machine: the same on every computer, however busy.
    pub steps: u64,
}

thread_local! {
    /// What this thread has run, where it is to be noted.
    static RUN: RefCell<Option<Statements>> = const { RefCell::new(None) };
}

/// Every statement that `work` runs on this thread, on connections that it opens.
pub fn statements_of(work: impl FnOnce()) -> Statements {
    static WATCH: Once = Once::new();
    // SAFETY: `watch` has the signature that SQLite asks for, and lives as long as the process.
    WATCH.call_once(|| unsafe {
        ffi::sqlite3_auto_extension(Some(watch));
    });
    RUN.replace(Some(Statements::new()));
    work();
    RUN.take().expect("what was noted")
}

/// Has each statement that ends on a new connection noted.
unsafe extern "C" fn watch(
    conn: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    let event = ffi::SQLITE_TRACE_PROFILE;
    // SAFETY: the connection is the one that SQLite is opening, and `note` takes no context.
    unsafe { ffi::sqlite3_trace_v2(conn, event, Some(note), std::ptr::null_mut()) }
}

unsafe extern "C" fn note(
    _: c_uint,
    _: *mut c_void,
    statement: *mut c_void,
    _: *mut c_void,
) -> c_int {
    RUN.with_borrow_mut(|run| {
        let Some(run) = run else { return };
        let counter = ffi::SQLITE_STMTSTATUS_VM_STEP;
        // SAFETY: of this event SQLite hands in the statement, whose text lives as long as it does.
        let (sql, steps) = unsafe {
            let steps = ffi::sqlite3_stmt_status(statement.cast(), counter, 1);
            (CStr::from_ptr(ffi::sqlite3_sql(statement.cast())), steps)
        };
        let cost = run.entry(sql.to_string_lossy().into_owned()).or_default();
        cost.times += 1;
        cost.steps += u64::try_from(steps).expect("a count");
    });
    ffi::SQLITE_OK
}
