//! What packages and service managers are given: it names what is there, and says what they read.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("it is offered")
}

#[test]
fn the_debian_package_is_of_files_that_are_there() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let deb = &manifest["package"]["metadata"]["deb"];
    let assets = deb["assets"].as_array().expect("a list");
    assert!(assets.len() > 10);
    for asset in assets {
        let source = asset[0].as_str().expect("a path");
        // Built before: see the head of the script.
        if source.starts_with("target/") {
            assert!(read("tests/package.sh").contains("target/deb"), "{source}");
            continue;
        }
        let found = glob::glob(source).expect("a pattern").count();
        assert!(found > 0, "nothing is at {source}");
    }
    let kept = deb["conf-files"].as_array().expect("a list");
    for file in kept {
        let file = file.as_str().expect("a path");
        let is_it = |asset: &toml::Value| file == format!("/{}", asset[1].as_str().unwrap_or(""));
        assert!(assets.iter().any(is_it), "{file} is no asset");
    }
}

#[test]
fn scripts_of_the_package_are_scripts() {
    for script in [
        "configs/debian/postinst",
        "configs/debian/prerm",
        "configs/debian/postrm",
        "tests/package.sh",
    ] {
        let shell = if script.starts_with("tests") { "bash" } else { "sh" };
        let output = Command::new(shell).arg("-n").arg(script).output().expect("a shell");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_socket_unit_has_addresses_that_a_server_can_have() {
    let unit = read("configs/pilothouse.socket");
    let addresses: Vec<&str> =
        unit.lines().filter_map(|line| line.strip_prefix("ListenStream=")).collect();
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        assert!(address.parse::<SocketAddr>().is_ok(), "{address}");
    }
    // One socket for both families would be none of ours.
    assert!(unit.contains("\nBindIPv6Only=ipv6-only\n"));
}

#[test]
fn the_container_has_the_folders_that_it_names() {
    let file = read("configs/Containerfile");
    let folders: Vec<&str> =
        file.lines().filter_map(|line| line.strip_prefix("WORKDIR ")).collect();
    let variables = file.lines().find_map(|line| line.strip_prefix("ENV ")).expect("some");
    for variable in variables.split(' ') {
        let (name, folder) = variable.split_once('=').expect("NAME=value");
        assert!(folders.contains(&folder), "{name} is {folder}, which is not made");
    }
    assert!(file.contains("\nENTRYPOINT [\"/usr/bin/pilothouse\"]\nCMD [\"run\"]\n"));
    assert!(file.contains("\nSTOPSIGNAL SIGTERM\n"));
}
