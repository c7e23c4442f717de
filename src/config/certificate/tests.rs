//! Certificates made for the purpose, dates of all kinds, and bytes that are none.

use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber};

use super::{civil, day, days, list_good_until, read, time};
use crate::config::certificate::der::Der;

fn certificate() -> Vec<u8> {
    let names = ["a.example", "*.b.example", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    params.serial_number = Some(SerialNumber::from(vec![0xab, 0x01]));
    params.not_before = rcgen::date_time_ymd(1999, 12, 31);
    params.not_after = rcgen::date_time_ymd(2051, 2, 28);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "NL");
    params.distinguished_name.push(DnType::OrganizationName, "Us, \"and\" them");
    params.distinguished_name.push(DnType::CommonName, " Zoë#");
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

#[test]
fn a_certificate_says_whose_it_is_and_how_long_it_is_good() {
    let read = read(&certificate()).expect("it is one");
    assert_eq!(read.subject, "CN=\\ Zo\\C3\\AB#,O=Us\\, \\\"and\\\" them,C=NL");
    assert_eq!(read.issuer, read.subject);
    assert_eq!(read.serial, "AB01");
    assert_eq!(
        (day(read.not_before_s), day(read.not_after_s)),
        ("1999-12-31".into(), "2051-02-28".into())
    );
    assert_eq!(read.names, ["a.example", "*.b.example", "127.0.0.1", "::1"]);
}

#[test]
fn a_list_says_how_long_it_is_good() {
    let params = CertificateParams::new(vec!["authority".to_owned()]).unwrap();
    let issuer = rcgen::Issuer::new(params, KeyPair::generate().unwrap());
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2001, 1, 1),
        next_update: rcgen::date_time_ymd(2051, 2, 28),
        crl_number: 1.into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&issuer).unwrap();
    let der: &[u8] = list.der();
    assert_eq!(list_good_until(der).map(day).as_deref(), Some("2051-02-28"));
    for end in 0..der.len() {
        assert_eq!(list_good_until(&der[..end]), None, "of {end} bytes");
    }
    assert_eq!(list_good_until(&certificate()), None);
}

#[test]
fn what_is_cut_short_or_changed_breaks_nothing() {
    let whole = certificate();
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_none(), "of {end} bytes");
    }
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0xff;
        // Any answer will do.
        let _read = read(&changed);
    }
    assert!(read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
}

#[test]
fn days_are_those_of_the_calendar() {
    for (date, number) in [
        ((1970, 1, 1), 0),
        ((2000, 2, 29), 11_016),
        ((2000, 3, 1), 11_017),
        ((1969, 12, 31), -1),
        ((2100, 3, 1), 47_541),
    ] {
        assert_eq!(days(date.0, date.1, date.2), number);
        assert_eq!(civil(number), date);
    }
}

#[test]
fn times_are_of_two_forms() {
    let of = |kind: u8, text: &str| {
        let mut bytes = vec![kind, text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        time(&mut Der::new(&bytes))
    };
    assert_eq!(of(0x17, "700101000001Z"), Some(1));
    assert_eq!(of(0x17, "491231235959Z"), Some(2_524_607_999));
    assert_eq!(of(0x18, "20500101000000Z"), Some(2_524_608_000));
    for (kind, text) in [
        (0x17, "7001010000Z"),
        (0x17, "700101000000+"),
        (0x17, "700001000000Z"),
        (0x17, "70010100000aZ"),
        (0x18, "700101000001Z"),
        (0x16, "700101000001Z"),
    ] {
        assert_eq!(of(kind, text), None, "{text}");
    }
}
