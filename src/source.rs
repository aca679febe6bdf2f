//! Policy files that change while their policy is used.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use hmac_sha256::Hash;

use crate::policy::{LoadError, Policy, change, read_regular_file};

/// A policy file, and the policy that was last read from it.
///
/// The server says when to look at the file, with
/// [`refresh`](Source::refresh): a source has no thread and no timer. Any
/// number of threads may use it.
pub struct Source {
    path: PathBuf,
    now: ArcSwap<Version>,
    /// The process a thread of which refreshes, or 0. A fork copies it, but
    /// not the thread.
    refreshed_by: AtomicU32,
}

/// What is known of the file. It never changes.
#[derive(Clone)]
struct Version {
    policy: Arc<Policy>,
    info: SourceInfo,
    seen: Seen,
    /// The hash of the last file if it was rejected.
    rejected: Option<[u8; 32]>,
}

/// What there was at the path when it was last read.
#[derive(Clone, PartialEq)]
enum Seen {
    /// A file that another one took the place of, or that was written to.
    Changing,
    /// A file that was read.
    File { stamp: Stamp, is_settled: bool },
    /// What could not be read, with `errno`.
    Unreadable(Option<Stamp>, Option<i32>),
}

/// By which a file is told from another, or from itself before it was changed.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The state of a [`Source`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceInfo {
    /// How many policies the source has had, from 1.
    pub version: u64,
    /// When its policy was loaded.
    pub loaded: SystemTime,
    /// SHA-256 of the file that its policy was loaded from.
    pub sha256: [u8; 32],
    /// How many origin patterns its policy has.
    pub patterns: usize,
    /// What the last change of the policy newly allows and no longer allows,
    /// in one line of ASCII; empty for the first policy.
    pub change: String,
    /// When the file was last rejected or could not be read.
    pub failed: Option<SystemTime>,
    /// What was wrong then, if it still is.
    pub fault: Option<Fault>,
}

/// Why a file's policy is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is rejected.
    Rejected,
    /// It cannot be read.
    Unreadable,
}

/// What [`Source::refresh`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// The policy is as before.
    Unchanged,
    /// The file has a new policy, which is used from now on.
    Replaced,
}

/// A file that was changed less than this before it was read may change again
/// without another stamp: file systems have clocks as coarse as this.
const COARSEST_CLOCK: Duration = Duration::from_secs(2);

impl Source {
    /// Loads the policy from the regular file at `path`, which is made
    /// absolute.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let path = std::path::absolute(path).map_err(LoadError::io)?;
        let before = Stamp::of(&path).map_err(LoadError::io)?;
        let file = File::read(&path).map_err(LoadError::io)?;
        let policy = Arc::new(Policy::from_json(&file.json)?);
        let info = SourceInfo {
            version: 1,
            loaded: SystemTime::now(),
            sha256: file.sha256,
            patterns: policy.pattern_count(),
            change: String::new(),
            failed: None,
            fault: None,
        };
        let seen = file.seen(before);
        let version = Version { policy, info, seen, rejected: None };
        Ok(Self {
            path,
            now: ArcSwap::from_pointee(version),
            refreshed_by: AtomicU32::new(0),
        })
    }

    /// The policy as it is now. A request keeps the one that it began with.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.now.load().policy)
    }

    /// The state as it is now.
    pub fn info(&self) -> SourceInfo {
        self.now.load().info.clone()
    }

    /// The absolute path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at the file, and reads it if it changed.
    ///
    /// A good file replaces the policy. If it is rejected or cannot be read,
    /// the policy stays, and the same file is not an error again until it
    /// changes. One thread at a time refreshes; to others, nothing changed.
    pub fn refresh(&self) -> Result<Refresh, LoadError> {
        self.refresh_while(&|| true)
    }

    /// Like [`refresh`](Self::refresh), but gives up, without a trace, soon
    /// after `go_on` returns false. It is asked now and then, so that the end
    /// of a server does not have to wait for a million origins.
    pub fn refresh_while(
        &self,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Refresh, LoadError> {
        let Some(_turn) = Turn::take(&self.refreshed_by) else {
            return Ok(Refresh::Unchanged);
        };
        let last = self.now.load_full();
        let stamp = match Stamp::of(&self.path) {
            Ok(stamp) => stamp,
            Err(error) => return self.unreadable(&last, None, error),
        };
        let settled = Seen::File { stamp, is_settled: true };
        if last.seen == settled {
            return Ok(Refresh::Unchanged);
        }
        let file = match File::read(&self.path) {
            Ok(file) => file,
            Err(error) => return self.unreadable(&last, Some(stamp), error),
        };
        let seen = file.seen(stamp);
        if seen == Seen::Changing {
            // Half of it may be old. The stamp differs at the next look.
            return Ok(Refresh::Unchanged);
        }
        if last.info.sha256 == file.sha256 {
            self.now.store(Arc::new(last.good(seen)));
            return Ok(Refresh::Unchanged);
        }
        if last.rejected == Some(file.sha256) {
            self.now
                .store(Arc::new(Version { seen, ..last.as_ref().clone() }));
            return Ok(Refresh::Unchanged);
        }
        match Policy::from_json_while(&file.json, go_on) {
            Err(LoadError::GivenUp) => Ok(Refresh::Unchanged),
            Err(error) => {
                self.now.store(Arc::new(last.rejected(seen, file.sha256)));
                Err(error)
            }
            Ok(policy) => {
                let change = change::line(&last.policy, &policy);
                let info = SourceInfo {
                    version: last.info.version + 1,
                    loaded: SystemTime::now(),
                    sha256: file.sha256,
                    patterns: policy.pattern_count(),
                    change,
                    fault: None,
                    ..last.info.clone()
                };
                let policy = Arc::new(policy);
                let version = Version { policy, info, seen, rejected: None };
                self.now.store(Arc::new(version));
                Ok(Refresh::Replaced)
            }
        }
    }

    /// It is tried again at each look, as not only the file may be the cause,
    /// but is an error only once.
    fn unreadable(
        &self,
        last: &Version,
        stamp: Option<Stamp>,
        error: io::Error,
    ) -> Result<Refresh, LoadError> {
        let seen = Seen::Unreadable(stamp, error.raw_os_error());
        if last.seen == seen {
            return Ok(Refresh::Unchanged);
        }
        self.now.store(Arc::new(last.unreadable(seen)));
        Err(LoadError::io(error))
    }
}

impl Version {
    /// The file has the same policy, again or as ever.
    fn good(&self, seen: Seen) -> Self {
        let info = SourceInfo { fault: None, ..self.info.clone() };
        Self { info, seen, rejected: None, ..self.clone() }
    }

    fn rejected(&self, seen: Seen, sha256: [u8; 32]) -> Self {
        let info = self.info_with(Fault::Rejected);
        Self { info, seen, rejected: Some(sha256), ..self.clone() }
    }

    fn unreadable(&self, seen: Seen) -> Self {
        let info = self.info_with(Fault::Unreadable);
        Self { info, seen, rejected: None, ..self.clone() }
    }

    fn info_with(&self, fault: Fault) -> SourceInfo {
        let failed = Some(SystemTime::now());
        SourceInfo { failed, fault: Some(fault), ..self.info.clone() }
    }
}

/// A file that was read.
struct File {
    json: Vec<u8>,
    sha256: [u8; 32],
    /// When reading began.
    began: SystemTime,
    /// What it was when it had been read.
    after: Stamp,
}

impl File {
    fn read(path: &Path) -> io::Result<Self> {
        let began = SystemTime::now();
        let (json, metadata) = read_regular_file(path)?;
        let sha256 = Hash::hash(&json);
        Ok(Self { json, sha256, began, after: Stamp::from(&metadata) })
    }

    /// `before` is what was at the path before it was opened.
    fn seen(&self, before: Stamp) -> Seen {
        if self.after != before {
            return Seen::Changing;
        }
        let is_settled = [before.modified, before.changed]
            .into_iter()
            .all(|time| is_older(time, self.began));
        Seen::File { stamp: before, is_settled }
    }
}

/// Whether a file's time is neither close to `now` nor only a little later.
fn is_older((seconds, nanos): (i64, i64), now: SystemTime) -> bool {
    let Ok(now) = now.duration_since(SystemTime::UNIX_EPOCH) else {
        return true;
    };
    let time = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let age = now.as_nanos() as i128 - time;
    age.unsigned_abs() >= COARSEST_CLOCK.as_nanos()
}

impl Stamp {
    /// Of what a symbolic link leads to, not of the link.
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs::metadata(path)?))
    }

    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// That of the one thread that refreshes.
struct Turn<'a>(&'a AtomicU32);

impl<'a> Turn<'a> {
    fn take(by: &'a AtomicU32) -> Option<Self> {
        let this = process::id();
        let free = |by: u32| (by != this).then_some(this);
        by.fetch_update(Ordering::Acquire, Ordering::Relaxed, free)
            .is_ok()
            .then(|| Self(by))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}
