//! Which detectors a value is worth: one look at each byte's class, one search for all words.
//!
//! Nothing is judged here. A detector that is not named could find nothing in the value; most values
//! name none.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// A set of detectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Detectors(u16);

impl Detectors {
    const NONE: Self = Self(0);
    pub(crate) const SQL: Self = Self(1);
    pub(crate) const HTML: Self = Self(1 << 1);
    pub(crate) const PATH: Self = Self(1 << 2);
    pub(crate) const COMMAND: Self = Self(1 << 3);
    pub(crate) const TEMPLATE: Self = Self(1 << 4);
    pub(crate) const CODE: Self = Self(1 << 5);
    pub(crate) const HEADER: Self = Self(1 << 6);
    /// Words that mean SQL only beside an operator.
    const SQL_BESIDE_OPERATOR: Self = Self(1 << 7);
    /// Words that mean a command only beside a sign of the shell.
    const COMMAND_BESIDE_SIGN: Self = Self(1 << 8);
    /// Words that mean script only beside a quote or an equals sign.
    const HTML_BESIDE_SIGN: Self = Self(1 << 9);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// What classes of bytes a value has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes(u16);

impl Classes {
    /// A letter, a digit, or one of the few signs in names and numbers.
    const WORD: Self = Self(1);
    const QUOTE: Self = Self(1 << 1);
    /// `=`, `<`, `|` and what else compares, joins or reckons.
    const OPERATOR: Self = Self(1 << 2);
    const ANGLE: Self = Self(1 << 3);
    /// What separates or encloses commands.
    const SHELL: Self = Self(1 << 4);
    const EQUALS: Self = Self(1 << 5);
    /// An escape may begin.
    const ESCAPE: Self = Self(1 << 6);
    /// A plus, which may stand for a space.
    const PLUS: Self = Self(1 << 7);
    const OTHER: Self = Self(1 << 8);
    const LINE_END: Self = Self(1 << 9);

    fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Nothing can be said with letters and digits alone.
    pub(crate) fn is_plain(self) -> bool {
        self.0 & !Self::WORD.0 == 0
    }

    pub(crate) fn may_be_escaped(self) -> bool {
        self.has(Self::ESCAPE)
    }

    pub(crate) fn has_plus(self) -> bool {
        self.has(Self::PLUS)
    }
}

const CLASSES: [u16; 256] = {
    let mut table = [Classes::OTHER.0; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() || byte == b'_' as usize || byte == b'-' as usize {
            table[byte] = Classes::WORD.0;
        }
        if super::normal::begins_escape(byte as u8) {
            table[byte] |= Classes::ESCAPE.0;
        }
        byte += 1;
    }
    let sets: [(&[u8], Classes); 7] = [
        (b"'\"`", Classes::QUOTE),
        (b"=<>!|&*/+-%^~(", Classes::OPERATOR),
        (b"<", Classes::ANGLE),
        (b";|&`$\n\r", Classes::SHELL),
        (b"=", Classes::EQUALS),
        (b"+", Classes::PLUS),
        (b"\n\r", Classes::LINE_END),
    ];
    let mut set = 0;
    while set < sets.len() {
        let mut at = 0;
        while at < sets[set].0.len() {
            table[sets[set].0[at] as usize] |= sets[set].1.0;
            at += 1;
        }
        set += 1;
    }
    // A hyphen is part of names; that it also subtracts makes no name worth a second look.
    table[b'-' as usize] = Classes::WORD.0;
    table
};

pub(crate) fn classes(value: &[u8]) -> Classes {
    Classes(value.iter().fold(0, |seen, &byte| seen | CLASSES[usize::from(byte)]))
}

/// The detectors that `value`, whose classes are known, is worth. Capitals count as small letters.
pub(crate) fn detectors(value: &[u8], classes: Classes) -> Detectors {
    let mut found = Detectors::NONE;
    if classes.has(Classes::ANGLE) {
        found = found.with(Detectors::HTML);
    }
    if classes.has(Classes::QUOTE) {
        found = found.with(Detectors::SQL);
    }
    for hit in WORDS.search.find_overlapping_iter(value) {
        found = found.with(WORDS.detectors[hit.pattern().as_usize()]);
        if found == Detectors::ALL {
            break;
        }
    }
    if found.has(Detectors::SQL_BESIDE_OPERATOR) && classes.has(Classes::OPERATOR) {
        found = found.with(Detectors::SQL);
    }
    // Quotes in a command's name hide it from the search.
    let may_be_command = found.has(Detectors::COMMAND_BESIDE_SIGN) || classes.has(Classes::QUOTE);
    if may_be_command && classes.has(Classes::SHELL) {
        found = found.with(Detectors::COMMAND);
    }
    let is_beside_sign = classes.has(Classes::EQUALS) || classes.has(Classes::QUOTE);
    if found.has(Detectors::HTML_BESIDE_SIGN) && is_beside_sign {
        found = found.with(Detectors::HTML);
    }
    if !classes.has(Classes::LINE_END) {
        found = found.without(Detectors::HEADER);
    }
    found.without(Detectors::CONDITIONS)
}

impl Detectors {
    const ALL: Self = Self((1 << 10) - 1);
    const CONDITIONS: Self =
        Self::SQL_BESIDE_OPERATOR.with(Self::COMMAND_BESIDE_SIGN).with(Self::HTML_BESIDE_SIGN);
}

struct Words {
    search: AhoCorasick,
    detectors: Vec<Detectors>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let lists = LISTS.iter().flat_map(|(list, of)| list.iter().map(|word| (*word, *of)));
    let commands = super::command::NAMES.iter().map(|name| (name.0, COMMANDS));
    let (words, detectors): (Vec<&str>, Vec<Detectors>) = lists.chain(commands).unzip();
    let search = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        // A third of a DFA's memory for half of its speed; a few values of a request are searched.
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(words)
        .expect("a few hundred short words");
    Words { search, detectors }
});

/// Makes the search ready, so that no request waits for it.
pub(crate) fn prepare() {
    LazyLock::force(&WORDS);
}

const COMMANDS: Detectors = Detectors::COMMAND_BESIDE_SIGN;

#[rustfmt::skip]
const LISTS: [(&[&str], Detectors); 9] = [
    (&[
        "select", "union", "insert", "update", "delete", "drop", "alter", "create", "truncate",
        "exec", "declare", "waitfor", "having", "order by", "group by", "shutdown", "--", "/*", "*/",
        "||", "&&", "information_schema", "@@", "load_file", "outfile", "dumpfile", "case when",
        "cast(", "convert(", "sleep(", "benchmark(", "extractvalue", "updatexml", "dbms_", "utl_",
        "xp_", "sysobjects", "randomblob", "procedure", "sqlite_", "pg_", "name_const", "xmltype",
        "merge into", "rlike", "#",
    ], Detectors::SQL),
    (&[
        "or", "and", "xor", "not", "like", "regexp", "between", "is null", "in(", "in (", "div",
        "mod", "glob", "if(", "iif(", "sleep", "benchmark", "order", "group", "case", "limit",
    ], Detectors::SQL_BESIDE_OPERATOR),
    (&[
        "javascript:", "vbscript:", "livescript:", "data:text/html", "data:application/x",
        "srcdoc", "formaction", "expression(", "script:",
    ], Detectors::HTML),
    (&[
        "on", "alert", "prompt", "eval", "document", "window", "fetch(", "import(", "settimeout",
        "setinterval", "fromcharcode", "style", "top[", "self[", "this[", "function", "print(",
        "throw", "xmlhttp", "atob(", "getscript", "localstorage", "postmessage", "sendbeacon",
    ], Detectors::HTML_BESIDE_SIGN),
    (&[
        "../", "..\\", "/..", "\\..", "..;", "/etc/", "/proc/", "c:\\", "c:/", "boot.ini", "win.ini",
        "file:", "/.git", "/.svn", "/.hg", "/.env", "/.ht", "/.ssh", "/.aws", "/.docker", "/.kube",
        "id_rsa", "wp-config", "web-inf", "meta-inf", "/var/log/", "system32", "web.config",
        ".bash_history", "/.npmrc", "/.ds_store", "/.vscode", "/.idea", ".passwd", "::$data",
        "/root/", ".sql", ".bak", "phpinfo", "/dev/tcp", "/dev/fd",
    ], Detectors::PATH),
    (&[
        "/bin/", "cmd.exe", "powershell", "$(", "`", "${ifs}", "$ifs", "() {", "/dev/tcp", "<(",
    ], Detectors::COMMAND),
    (&["{{", "{%", "${", "#{", "*{", "<%", "@{", "@(", "[[", "#set", "~{", "$%7b"], Detectors::TEMPLATE),
    (&[
        "<?", "<!entity", "<!doctype", "<!element", "php:", "phar:", "expect:", "zip:", "data:", "glob:",
        "gopher:", "dict:", "ldap:", "jar:", "netdoc:", "java.", "javax.", "processbuilder",
        "getruntime", "child_process", "process.", "__proto__", "constructor", "prototype",
        "require(", "eval(", "assert(", "system(", "exec(", "passthru(", "popen(", "proc_open",
        "base64_decode", "phpinfo", "call_user_func", "create_function", "file_get_contents",
        "file_put_contents", "$_get", "$_post", "$_request", "$_server", "$_cookie", "globals",
        "ro0ab", "aced0005", "#_memberaccess", "@ognl", "%{(", "%{#", "(#", ")(", "*)", "$ne", "$gt", "$lt", "$where",
        "$regex", "$in", "$or", "$exists", "__import__", "subprocess", "os.system", "os.popen", ":{s:", ":{i:", ":{}", "xi:include",
        "169.254.169.254", "metadata.google", "%0a%0d", "class.module", "spring.", "isset(",
    ], Detectors::CODE),
    (&[
        "\nset-cookie", "\nlocation:", "\ncontent-", "\nhttp/1", "\nhost:", "\nx-", "\ntransfer-",
        "\nconnection:", "\nrefresh:", "\nlink:", "\naccess-control", "\nbcc:", "\ncc:", "\nto:",
        "\n<", "\nstatus:", "\nserver:", "\ncookie:", "\nlast-modified", "\netag",
    ], Detectors::HEADER),
];
