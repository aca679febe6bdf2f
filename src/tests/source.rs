//! Sources: real files that change in all the ways that files do.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tempfile::{TempDir, tempdir};

use crate::policy::change;
use crate::{KEYS, LoadError, Policy, Refresh, Request, Source, Verdict};

/// A policy that allows one origin, for which all have the same length.
fn policy_of(name: char) -> String {
    format!(r#"{{"allow_origins": ["https://{name}.example"]}}"#)
}

fn allows(policy: &Policy, name: char) -> bool {
    let origin = format!("https://{name}.example");
    let request = Request {
        method: Some(b"GET"),
        origin: Some(origin.as_bytes()),
        ..Request::default()
    };
    policy.evaluate(&request).verdict == Verdict::Allowed
}

/// What happens to the file. A digit is what it contains then: a policy, or
/// what is none.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// `echo >`
    Write(char),
    /// `mv`
    Rename(char),
    /// `ln -sfn`, to another file
    Link(char),
    /// Kubernetes' swap of `..data`, a link to the folder with the file that
    /// the path links to
    SwapFolder(char),
    /// `cp -p` of something old
    GoBack(char),
    Touch,
    Remove,
    /// A folder of that name
    Folder,
}

const GOOD: [char; 3] = ['a', 'b', 'c'];
const BAD: [char; 2] = ['1', '2'];

fn content(name: char) -> String {
    let policy = policy_of('a');
    match name {
        // Half-written
        '1' => policy[..policy.len() / 2].to_owned(),
        '2' => policy.replace("https", "httsp://x"),
        good => policy_of(good),
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let name = || select([GOOD.as_slice(), &BAD].concat());
    prop_oneof![
        name().prop_map(Step::Write),
        name().prop_map(Step::Rename),
        name().prop_map(Step::Link),
        name().prop_map(Step::SwapFolder),
        name().prop_map(Step::GoBack),
        Just(Step::Touch),
        Just(Step::Remove),
        Just(Step::Folder),
    ]
}

/// What is at the path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum There {
    Nothing,
    Folder,
    Text(char),
}

struct Place {
    folder: TempDir,
    path: PathBuf,
    names: usize,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().expect("a folder");
        let path = folder.path().join("cors.json");
        fs::write(&path, content('a')).expect("it is written");
        Self { folder, path, names: 0 }
    }

    fn source(&self) -> Source {
        Source::open(&self.path).expect("it loads")
    }

    fn fresh(&mut self) -> PathBuf {
        self.names += 1;
        self.folder.path().join(self.names.to_string())
    }

    fn put(&mut self, link: &Path, at: &Path) {
        let fresh = self.fresh();
        symlink(link, &fresh).expect("a link");
        fs::rename(fresh, at).expect("it is moved");
    }

    fn remove(&self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(&self.path);
    }

    fn take(&mut self, step: Step, there: There) -> There {
        if there == There::Folder {
            self.remove();
        }
        match step {
            Step::Write(name) => {
                // A link stays, as with an editor.
                fs::write(&self.path, content(name)).expect("it is written");
                There::Text(name)
            }
            Step::Rename(name) => {
                let fresh = self.fresh();
                fs::write(&fresh, content(name)).expect("it is written");
                fs::rename(fresh, &self.path).expect("it is moved");
                There::Text(name)
            }
            Step::Link(name) => {
                let fresh = self.fresh();
                fs::write(&fresh, content(name)).expect("it is written");
                self.put(&fresh, &self.path.clone());
                There::Text(name)
            }
            Step::SwapFolder(name) => {
                let fresh = self.fresh();
                fs::create_dir(&fresh).expect("a folder");
                let file = fresh.join("cors.json");
                fs::write(file, content(name)).expect("it is written");
                let data = self.folder.path().join("..data");
                self.put(&fresh, &data);
                self.put(&data.join("cors.json"), &self.path.clone());
                There::Text(name)
            }
            Step::GoBack(name) => {
                let fresh = self.fresh();
                fs::write(&fresh, content(name)).expect("it is written");
                let times = FileTimes::new().set_modified(
                    SystemTime::UNIX_EPOCH
                        + Duration::from_secs(1_000_000_000),
                );
                let file = File::options().write(true).open(&fresh);
                file.and_then(|file| file.set_times(times)).expect("times");
                fs::rename(fresh, &self.path).expect("it is moved");
                There::Text(name)
            }
            Step::Touch => match there {
                There::Text(_) => {
                    let file = File::options().write(true).open(&self.path);
                    file.and_then(|file| file.set_modified(SystemTime::now()))
                        .expect("it is touched");
                    there
                }
                There::Folder | There::Nothing => There::Nothing,
            },
            Step::Remove => {
                self.remove();
                There::Nothing
            }
            Step::Folder => {
                self.remove();
                fs::create_dir(&self.path).expect("a folder");
                There::Folder
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// After each look, the policy is that of the last good file, and what is
    /// wrong is said once.
    #[test]
    fn a_source_has_the_last_good_policy(
        steps in vec((steps(), any::<bool>()), 1..24),
    ) {
        let mut place = Place::new();
        let source = place.source();
        let (mut there, mut seen) = (There::Text('a'), There::Text('a'));
        let (mut good, mut version) = ('a', 1);
        for (step, looks) in steps {
            there = place.take(step, there);
            if !looks {
                continue;
            }
            let refreshed = source.refresh();
            match there {
                There::Text(name) if name == good => {
                    prop_assert!(matches!(refreshed, Ok(Refresh::Unchanged)));
                }
                There::Text(name) if GOOD.contains(&name) => {
                    prop_assert!(matches!(refreshed, Ok(Refresh::Replaced)));
                    good = name;
                    version += 1;
                }
                There::Nothing | There::Text(_) if there == seen => {
                    prop_assert!(matches!(refreshed, Ok(Refresh::Unchanged)));
                }
                There::Text(_) => {
                    let is_rejected =
                        matches!(refreshed, Err(LoadError::Policy(_)));
                    prop_assert!(is_rejected);
                }
                // With a clock as coarse as before Linux 6.13, another folder
                // may look the same.
                There::Folder if seen == There::Folder => {}
                There::Nothing | There::Folder => {
                    prop_assert!(matches!(refreshed, Err(LoadError::Io(..))));
                }
            }
            seen = there;
            let info = source.info();
            prop_assert_eq!(info.version, version);
            prop_assert_eq!(info.fault.is_some(), there != There::Text(good));
            for name in GOOD {
                let allowed = allows(&source.policy(), name);
                prop_assert_eq!(allowed, name == good);
            }
        }
    }
}

#[test]
fn a_bad_file_is_no_source() {
    let mut place = Place::new();
    for step in [Step::Write('1'), Step::Write('2'), Step::Remove] {
        place.take(step, There::Text('a'));
        assert!(Source::open(&place.path).is_err(), "{step:?}");
    }
}

#[test]
fn a_file_that_stays_as_it_is_is_not_read() {
    fn bytes_read() -> u64 {
        // Of this thread alone.
        let io = fs::read_to_string("/proc/thread-self/io").expect("Linux");
        let line = io.strip_prefix("rchar: ").and_then(|io| io.lines().next());
        line.and_then(|count| count.parse().ok()).expect("a number")
    }
    let place = Place::new();
    let size = 10_000;
    let text = " ".repeat(size) + &content('a');
    fs::write(&place.path, text).expect("it is written");
    let source = place.source();
    let reads = || {
        let before = bytes_read();
        let refreshed = source.refresh();
        assert!(matches!(refreshed, Ok(Refresh::Unchanged)));
        // What tells it is read, too.
        bytes_read() - before >= size as u64
    };
    // It could be changed again without another time.
    assert!(reads());
    thread::sleep(Duration::from_millis(2100));
    assert!(reads(), "once more");
    assert!(!reads());
    assert!(!reads());
}

#[test]
fn a_load_can_be_given_up_and_leaves_no_trace() {
    let place = Place::new();
    let source = place.source();
    let many: Vec<_> =
        (0..50_000).map(|i| format!("\"https://{i}.example\"")).collect();
    let json = format!(r#"{{"allow_origins": [{}]}}"#, many.join(","));
    fs::write(&place.path, json).expect("it is written");
    let asked = AtomicUsize::new(0);
    for last in [1, 2, 20] {
        asked.store(0, Ordering::Relaxed);
        let go_on = || asked.fetch_add(1, Ordering::Relaxed) + 1 < last;
        let refreshed = source.refresh_while(&go_on);
        assert!(matches!(refreshed, Ok(Refresh::Unchanged)));
        assert!(asked.load(Ordering::Relaxed) >= last);
        assert_eq!(source.info().version, 1);
        assert_eq!(source.info().fault, None);
        assert!(allows(&source.policy(), 'a'));
    }
    asked.store(0, Ordering::Relaxed);
    let go_on = || asked.fetch_add(1, Ordering::Relaxed) < usize::MAX;
    let refreshed = source.refresh_while(&go_on);
    assert!(matches!(refreshed, Ok(Refresh::Replaced)));
    assert!(asked.load(Ordering::Relaxed) >= 50_000 / 1024);
    assert_eq!(source.info().patterns, 50_000);
}

/// Two policies that differ in origins, methods and headers take turns; no
/// request sees a bit of both.
#[test]
fn no_request_is_judged_by_a_mixture() {
    let json = |name: char, method: &str| {
        format!(
            r#"{{"allow_origins": ["https://{name}.example"],
                 "allow_methods": ["{method}"],
                 "expose_headers": ["x-{name}"]}}"#
        )
    };
    let place = Place::new();
    let sides =
        [('a', "PUT", json('a', "PUT")), ('b', "DELETE", json('b', "DELETE"))];
    fs::write(&place.path, &sides[0].2).expect("it is written");
    let source = place.source();
    let done = AtomicBool::new(false);
    let replaced = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if matches!(source.refresh(), Ok(Refresh::Replaced)) {
                        replaced.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let policy = source.policy();
                    let is = sides.each_ref().map(|(name, method, _)| {
                        let rule = policy.rules().next().expect("a rule");
                        let exposed = format!("x-{name}");
                        let facts = [
                            allows(&policy, *name),
                            rule.allow_methods().any(|m| m == *method),
                            rule.expose_headers().eq([exposed.as_str()]),
                        ];
                        assert_eq!(facts, [facts[0]; 3]);
                        facts[0]
                    });
                    assert_ne!(is[0], is[1]);
                }
            });
        }
        for round in 0..200 {
            let fresh = place.folder.path().join("next");
            let before = replaced.load(Ordering::Relaxed);
            fs::write(&fresh, &sides[(round + 1) % 2].2).expect("written");
            fs::rename(&fresh, &place.path).expect("it is moved");
            while replaced.load(Ordering::Relaxed) == before {
                thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(replaced.into_inner(), 200);
    assert_eq!(source.info().version, 201);
}

fn change_of(old: &str, new: &str) -> String {
    let [old, new] = [old, new]
        .map(|json| Policy::from_json(json.as_bytes()).expect("it loads"));
    change::line(&old, &new)
}

#[test]
fn the_line_of_a_change_names_patterns_and_keys() {
    let list = |names: &[&str]| {
        let names: Vec<_> =
            names.iter().map(|n| format!("\"https://{n}.example\"")).collect();
        format!(r#""allow_origins": [{}]"#, names.join(", "))
    };
    let file = |names: &[&str]| format!("{{{}}}", list(names));
    for (old, new, line) in [
        (file(&["a", "b"]), file(&["b", "a"]), "allows the same"),
        (file(&["a"]), file(&["a", "b"]), "newly allows https://b.example"),
        (
            file(&["a", "a"]),
            file(&["b", "b"]),
            "newly allows https://b.example; no longer allows \
             https://a.example",
        ),
        (
            file(&["a", "b", "c", "d", "e", "f"]),
            file(&["a", "x"]),
            "newly allows https://x.example; no longer allows \
             https://b.example, https://c.example, https://d.example and 2 \
             more",
        ),
        (
            file(&["a"]),
            format!(
                r#"{{"rules": [{{{}, "allow_methods": ["PUT"]}}, {{{}}}]}}"#,
                list(&["a"]),
                list(&["b"])
            ),
            "newly allows https://b.example (rule 2); changes rules, \
             allow_methods",
        ),
    ] {
        assert_eq!(change_of(&old, &new), line);
    }
    let long = format!("{}.{}", "l".repeat(63), "m".repeat(63));
    let line = change_of(&file(&["a"]), &file(&["a", &long]));
    assert!(line.len() < 100 && line.ends_with("..."), "{line}");
}

/// Every key that changes what a policy does is named.
#[test]
fn the_line_of_a_change_knows_every_key() {
    let without = ["$schema", "description", "dangerously_allow"];
    for key in KEYS.iter().map(|key| key.name()) {
        let member = match key {
            "allow_origins" => continue,
            "allow_credentials" => "true",
            "max_age" => "60",
            "preflight_status" => "200",
            "allow_methods" => r#"["PUT"]"#,
            "block" => r#"["websockets"]"#,
            "timing_allow_origins" => r#"["*"]"#,
            "rules" => {
                let line = change_of(
                    r#"{"rules": [{"allow_origins": ["https://a.example"]}]}"#,
                    r#"{"rules": [{"allow_origins": ["https://a.example"]},
                                  {"allow_origins": ["*"]}]}"#,
                );
                assert!(line.ends_with("changes rules"), "{line}");
                continue;
            }
            _ if without.contains(&key) => continue,
            _ => r#"["x-a"]"#,
        };
        let origins = r#""allow_origins": ["https://a.example"]"#;
        let line = change_of(
            &format!("{{{origins}}}"),
            &format!(r#"{{{origins}, "{key}": {member}}}"#),
        );
        assert_eq!(line, format!("changes {key}"));
    }
}
