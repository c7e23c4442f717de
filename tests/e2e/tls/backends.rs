//! Backends that are spoken to over TLS: verified, shown who we are, and refused where they are not
//! whom they should be.

use super::papers::Authority;
use super::server;
use crate::client;
use crate::engine::Engine;
use crate::secure::SecureOrigin;
use crate::wait;

fn proxy(tls: &str, address: impl std::fmt::Display) -> String {
    format!(
        "[[server]]\nlisten = \"{{listen}}\"\nroute = [{{ path = \"/\", upstream = \"app\" }}]\n\
         [upstream.app]\ntls = {tls}\nbackend = [{{ address = \"{address}\" }}]\n"
    )
}

#[test]
fn a_backend_is_verified_and_named() {
    let origin = SecureOrigin::named(&["app.internal"]);
    let config = proxy("{ ca = \"backend.pem\", server_name = \"app.internal\" }", origin.address);
    let engine = Engine::start_in(&config, |folder| {
        std::fs::write(folder.join("backend.pem"), &origin.certificate).expect("ours");
    });
    let answer = client::get(engine.address(), "/x");
    assert_eq!((answer.status, answer.text().as_str()), (200, "secure"));
    let seen = origin.seen();
    assert_eq!(seen.server_name.as_deref(), Some("app.internal"));
    assert!(seen.head.starts_with("GET /x HTTP/1.1\r\n"), "{}", seen.head);
}

/// An address is what a certificate is for, too, where no name is said.
#[test]
fn a_backend_that_is_another_is_not_spoken_to() {
    let origin = SecureOrigin::named(&["127.0.0.1"]);
    let config = |tls: &str| proxy(tls, origin.address);
    let mut engine = Engine::start_in(&config("{ ca = \"backend.pem\" }"), |folder| {
        std::fs::write(folder.join("backend.pem"), &origin.certificate).expect("ours");
        std::fs::write(folder.join("other.pem"), Authority::new("other").pem()).expect("ours");
    });
    assert_eq!(client::get(engine.address(), "/").status, 200);
    let handshakes = origin.handshakes();
    for tls in ["{ ca = \"other.pem\" }", "{ ca = \"backend.pem\", server_name = \"b.internal\" }"]
    {
        engine.rewrite_config(&config(tls));
        engine.ctl_ok(&["reload"]);
        assert_eq!(client::get(engine.address(), "/").status, 502, "{tls}");
        let name = origin.address.to_string();
        assert_ne!(engine.backend("app", &name)["failures"], 0, "it is the backend's fault");
    }
    assert_eq!(origin.handshakes(), handshakes, "what was kept is not for another upstream's way");
    assert!(engine.log().contains("TLS with backend"), "{}", engine.log());
    engine.rewrite_config(&config("{ verify = false }"));
    engine.ctl_ok(&["reload"]);
    assert_eq!(client::get(engine.address(), "/").status, 200, "said in so many words");
    assert!(engine.stop().success());
}

/// A backend of the same make: it asks for a certificate, and keeps its connections.
#[test]
fn a_backend_is_shown_who_we_are_on_connections_that_are_kept() {
    let authority = Authority::new("authority");
    let says = "$ssl_client_s_dn $connection_requests";
    let backend = server("site", "", ", client_ca = \"ca.pem\"", says);
    let backend = Engine::start_in(&backend, |folder| super::furnish(folder, &authority));
    let tls = "{ ca = \"ca.pem\", server_name = \"site.test\", certificate = \"us.pem\", key = \"us.key\" }";
    let config = format!(
        "[engine]\nworkers = 1\n{}[upstream.app.check]\ninterval = \"100ms\"\n",
        proxy(tls, backend.address())
    );
    let engine = Engine::start_in(&config, |folder| {
        super::furnish(folder, &authority);
        authority.client("proxy").write(folder, "us");
    });
    wait::until("the check has shown who we are, too", || {
        let row = engine.backend("app", &backend.address().to_string());
        (row["check"]["passes"].as_u64()? > 0).then_some(())
    });
    let says: Vec<String> = (0..3).map(|_| client::get(engine.address(), "/").text()).collect();
    assert_eq!(says, [1, 2, 3].map(|count| format!("CN=proxy,O=Us\\, Inc {count}")));
}
