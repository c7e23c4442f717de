//! A checked configuration with another number of instances of one program, judged by the rules
//! that the file itself is judged by.
//!
//! Pure. What is running is not known here.

use std::net::{IpAddr, Ipv4Addr};

use super::limits;
use super::model::program::{Program, Serves};
use super::model::{Address, Config, Location};

/// The same configuration but for that, or why it would not be one.
pub(crate) fn scaled(config: &Config, name: &str, instances: u32) -> Result<Config, String> {
    let max = limits::PROGRAM_INSTANCES_MAX;
    if !(1..=max).contains(&instances) {
        return Err(format!("{instances} instances are not 1 to {max}; stop stops a program"));
    }
    let mut scaled = config.clone();
    let is_it = |program: &Program| program.name == name;
    let Some(at) = scaled.programs.iter().position(is_it) else {
        let names: Vec<&str> = config.programs.iter().map(|it| it.name.as_str()).collect();
        let has = match names[..] {
            [] => "are none".to_owned(),
            [one] => format!("is {one}"),
            [_, _, ..] => format!("are {}", names.join(", ")),
        };
        let hint = super::did_you_mean(name, names.into_iter());
        return Err(format!("no program is called {name}{hint}; there {has}"));
    };
    let naming = &config.programs[at].process.naming;
    if instances > 1 && !naming.tells_instances_apart() {
        return Err(format!("every instance would have the process_name of {name}"));
    }
    scaled.programs[at].instances = instances;
    if let Some((_, why)) = super::kept::excess(&scaled.programs) {
        return Err(why);
    }
    if let Some(serves) = &scaled.programs[at].serves {
        ports(&scaled, at, serves)?;
        members(&scaled, serves)?;
    }
    Ok(scaled)
}

/// The ports exist and meet nobody else's.
fn ports(config: &Config, at: usize, serves: &Serves) -> Result<(), String> {
    let range = |serves: &Serves, instances: u32| {
        u32::from(serves.port)..u32::from(serves.port).saturating_add(instances)
    };
    let own = range(serves, config.programs[at].instances);
    if own.end > u32::from(u16::MAX) + 1 {
        return Err(format!("the last instance would get port {}, beyond 65535", own.end - 1));
    }
    let others = config.programs.iter().enumerate().filter(|(other, _)| *other != at);
    let of_others = others.filter_map(|(_, program)| {
        let other = range(program.serves.as_ref()?, program.instances);
        let port = own.clone().find(|port| other.contains(port))?;
        Some(format!("port {port} belongs to program {}", program.name))
    });
    let of_servers = config.servers.iter().flat_map(|server| &server.listen);
    let of_streams = config.streams.iter().flat_map(|stream| &stream.listen);
    let of_listeners = of_servers.chain(of_streams).filter_map(|listen| {
        let Address::Tcp(address) = listen.address else { return None };
        let is_met = match address.ip() {
            IpAddr::V4(ip) => ip.is_unspecified() || ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_unspecified(),
        };
        let port = u32::from(address.port());
        (is_met && own.contains(&port)).then(|| format!("port {port} is listened on by us"))
    });
    let upstream = config.upstreams.iter().filter(|upstream| upstream.name == serves.upstream);
    let of_backends = upstream.flat_map(|upstream| &upstream.backends).filter_map(|backend| {
        let Location::Fixed(Address::Tcp(address)) = &backend.address else { return None };
        let is_own = address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST)
            && own.contains(&u32::from(address.port()));
        is_own.then(|| format!("{address} is a backend of the file"))
    });
    of_others.chain(of_listeners).chain(of_backends).next().map_or(Ok(()), Err)
}

/// The scoreboard's tables have a size.
fn members(config: &Config, serves: &Serves) -> Result<(), String> {
    let serving = config.programs.iter().filter(|program| {
        program.serves.as_ref().is_some_and(|other| other.upstream == serves.upstream)
    });
    let instances: usize = serving.map(|program| program.instances as usize).sum();
    let upstream = config.upstreams.iter().find(|upstream| upstream.name == serves.upstream);
    let count = instances + upstream.map_or(0, |upstream| upstream.backends.len());
    let max = limits::UPSTREAM_MEMBERS_MAX;
    if count > max {
        return Err(format!("{} would have {count} backends, more than {max}", serves.upstream));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn what_the_file_could_not_say_cannot_be_scaled_to() {
        let text = "[[server]]\nlisten = [\"127.0.0.1:9020\"]\n[[server.route]]\npath = \"/\"\n\
                    upstream = \"app\"\n[upstream.app]\n[[upstream.app.backend]]\n\
                    address = \"127.0.0.1:9030\"\n\
                    [program.web]\ncommand = \"true\"\nserves = { upstream = \"app\", port = 9000 }\n\
                    [program.api]\ncommand = \"true\"\nserves = { upstream = \"app\", port = 9010 }\n\
                    [program.last]\ncommand = \"true\"\n\
                    serves = { upstream = \"app\", port = 65530 }\n\
                    [program.lone]\ncommand = \"true\"\n";
        let config = parse(text, "test").unwrap();
        let scaled = |name, instances| super::scaled(&config, name, instances);
        assert_eq!(scaled("web", 10).unwrap().programs[0].instances, 10);
        assert_eq!(scaled("lone", 64).unwrap().programs[3].instances, 64);
        for (name, instances, expected) in [
            ("nobody", 1, "no program is called nobody; there are web, api, last, lone"),
            ("web", 0, "0 instances are not 1 to 64; stop stops a program"),
            ("web", 65, "65 instances are not 1 to 64; stop stops a program"),
            ("web", 11, "port 9010 belongs to program api"),
            ("api", 11, "port 9020 is listened on by us"),
            ("api", 21, "port 9020 is listened on by us"),
            ("last", 7, "the last instance would get port 65536, beyond 65535"),
        ] {
            assert_eq!(scaled(name, instances).unwrap_err(), expected, "{name} {instances}");
        }
    }
}
