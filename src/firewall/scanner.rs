//! Tools that look for holes, by the names that they give themselves.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

#[rustfmt::skip]
const NAMES: [&str; 52] = [
    "sqlmap", "nikto", "nessus", "nmap scripting", "acunetix", "netsparker", "openvas", "w3af",
    "dirbuster", "dirb/", "gobuster", "feroxbuster", "ffuf", "wfuzz", "wpscan", "joomscan", "skipfish", "arachni",
    "havij", "masscan", "zgrab", "zmeu", "nuclei", "burpcollaborator", "burp suite", "commix", "xsser", "dotdotpwn",
    "fimap", "jbrofuzz", "webinspect", "appscan", "whatweb", "morfeus", "paros", "pangolin", "sqlninja",
    "bsqlbf", "grendel-scan", "n-stealth", "vega/", "whisker", "webshag", "jaeles", "jorgee", "libwhisker",
    "absinthe", "brutus", "hydra", "owasp zap", "xenu-audit", "dalfox",
];

static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(NAMES)
        .expect("a few dozen short words")
});

pub(super) fn prepare() {
    LazyLock::force(&SEARCH);
}

/// Where a `User-Agent` names one.
pub(super) fn find(user_agent: &[u8]) -> Option<usize> {
    SEARCH.find(user_agent).map(|hit| hit.start())
}
