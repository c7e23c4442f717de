//! Certificates and keys for one test: an authority, and whoever it signs for.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, RevokedCertParams,
};

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub(crate) struct Papers {
    pub(crate) certificate: String,
    pub(crate) key: String,
    serial: u64,
}

static SERIALS: AtomicU64 = AtomicU64::new(1);

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
        self.sign_for(params, &KeyPair::generate().expect("keys can be made"))
    }

    fn sign_for(&self, params: &CertificateParams, key: &KeyPair) -> Papers {
        let serial = SERIALS.fetch_add(1, Ordering::Relaxed);
        let mut params = params.clone();
        params.serial_number = Some(serial.into());
        let signed = params.signed_by(key, &self.issuer).expect("the authority signs");
        Papers { certificate: signed.pem(), key: key.serialize_pem(), serial }
    }

    /// For a server whose key is of another kind than usual.
    pub(crate) fn server_of_kind(
        &self,
        names: &[&str],
        kind: &'static rcgen::SignatureAlgorithm,
    ) -> Papers {
        self.sign_for(&params(names), &KeyPair::generate_for(kind).expect("keys can be made"))
    }

    /// The list of those that are not good any more, in time until the beginning of that year.
    pub(crate) fn revoked(&self, papers: &[&Papers], until: i32) -> String {
        let revoked = papers.iter().map(|papers| RevokedCertParams {
            serial_number: papers.serial.into(),
            revocation_time: rcgen::date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2001, 1, 1),
            next_update: rcgen::date_time_ymd(until, 1, 1),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let signed = list.signed_by(&self.issuer).expect("the authority signs");
        signed.pem().expect("text")
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names can be signed");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

impl Papers {
    /// Signed by somebody else.
    pub(crate) fn new(certificate: String, key: String) -> Self {
        Self { certificate, key, serial: 0 }
    }

    /// As `NAME.pem` and `NAME.key`, each put in place of what was there at once.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        for (end, text) in [("pem", &self.certificate), ("key", &self.key)] {
            let whole = folder.join(format!("{name}.{end}.new"));
            fs::write(&whole, text).expect("the folder is ours");
            fs::rename(&whole, folder.join(format!("{name}.{end}"))).expect("the same folder");
        }
    }
}
