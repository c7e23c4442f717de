//! Certificates and keys for one test: an authority, and whoever it signs for.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub(crate) struct Papers {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are no problem");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("keys can be made");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("it signs itself");
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.as_ref().pem()
    }

    /// For a server of these names and addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Papers {
        self.sign(&params(names))
    }

    pub(crate) fn client(&self, name: &str) -> Papers {
        let mut params = params(&[]);
        params.distinguished_name.push(DnType::OrganizationName, "Us, Inc");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// Good from the beginning of one year to that of another.
    pub(crate) fn dated(&self, names: &[&str], from: i32, to: i32) -> Papers {
        let mut params = params(names);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Papers {
        let key = KeyPair::generate().expect("keys can be made");
        let signed = params.signed_by(&key, &self.issuer).expect("the authority signs");
        Papers { certificate: signed.pem(), key: key.serialize_pem() }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names can be signed");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

impl Papers {
    /// As `NAME.pem` and `NAME.key`, each put in place of what was there at once.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        for (end, text) in [("pem", &self.certificate), ("key", &self.key)] {
            let whole = folder.join(format!("{name}.{end}.new"));
            fs::write(&whole, text).expect("the folder is ours");
            fs::rename(&whole, folder.join(format!("{name}.{end}"))).expect("the same folder");
        }
    }
}
