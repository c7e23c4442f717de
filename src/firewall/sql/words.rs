//! The words of SQL, over all dialects, as far as they tell how a query goes on.

/// What a word is to the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Begins a statement.
    Verb(Verb),
    Union,
    /// `all`, `distinct`, `top`: between a verb and its list.
    Quantity,
    Logic,
    Not,
    /// `like`, `in`, `between`, `is`
    Compare,
    /// `div`, `mod`
    Reckon,
    /// `group`, `order`: with `by`.
    Arrange,
    By,
    Having,
    From,
    Where,
    Into,
    Limit,
    Case,
    /// `when`, `then`, `else`, `end`, `as`, `asc`
    Clause,
    /// `null`, `true`, `current_user`
    Constant,
    /// What statements act on: `table`, `database`.
    Object,
    Set,
    Values,
    /// `delay`, `time`
    Delay,
    Procedure,
    /// A function that is called for its effect on time, files or errors.
    Grave,
    /// Any other function that attacks are built of.
    Function,
    /// A name that only a look into the database's own tables has.
    Schema,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Select,
    Insert,
    Update,
    Delete,
    /// `drop`, `alter`, `create`, `truncate`, `grant`
    Define,
    /// `exec`, `call`
    Call,
    Declare,
    WaitFor,
    Shutdown,
    /// `begin`, `if`, `while`, `merge`, `copy`, `attach`
    Other,
}

#[rustfmt::skip]
pub(super) fn of(word: &[u8]) -> Option<Word> {
    Some(match word {
        b"select" => Word::Verb(Verb::Select),
        b"insert" | b"replace" => Word::Verb(Verb::Insert),
        b"update" => Word::Verb(Verb::Update),
        b"delete" => Word::Verb(Verb::Delete),
        b"drop" | b"alter" | b"create" | b"truncate" | b"grant" | b"revoke" => {
            Word::Verb(Verb::Define)
        }
        b"exec" | b"execute" | b"call" => Word::Verb(Verb::Call),
        b"declare" => Word::Verb(Verb::Declare),
        b"waitfor" => Word::Verb(Verb::WaitFor),
        b"shutdown" => Word::Verb(Verb::Shutdown),
        b"begin" | b"while" | b"merge" | b"copy" | b"attach" | b"handler" | b"load" => {
            Word::Verb(Verb::Other)
        }
        b"union" | b"intersect" | b"except" | b"minus" => Word::Union,
        b"all" | b"distinct" | b"distinctrow" | b"top" => Word::Quantity,
        b"or" | b"and" | b"xor" => Word::Logic,
        b"not" | b"binary" | b"any" | b"some" | b"exists" => Word::Not,
        b"like" | b"ilike" | b"rlike" | b"regexp" | b"in" | b"between" | b"is" | b"glob"
        | b"similar" | b"sounds" | b"match" => Word::Compare,
        b"div" | b"mod" => Word::Reckon,
        b"group" | b"order" => Word::Arrange,
        b"by" => Word::By,
        b"having" => Word::Having,
        b"from" => Word::From,
        b"where" => Word::Where,
        b"into" => Word::Into,
        b"limit" | b"offset" => Word::Limit,
        b"case" => Word::Case,
        b"when" | b"then" | b"else" | b"end" | b"as" | b"asc" | b"desc" | b"collate" | b"escape"
        | b"for" | b"on" | b"using" | b"join" | b"with" | b"returning" => Word::Clause,
        b"null" | b"true" | b"false" | b"current_user" | b"session_user" | b"system_user"
        | b"current_timestamp" | b"current_date" | b"unknown" => Word::Constant,
        b"table" | b"database" | b"user" | b"view" | b"index" | b"column" | b"login" | b"role"
        | b"trigger" | b"function" | b"tables" | b"databases" => Word::Object,
        b"set" => Word::Set,
        b"values" => Word::Values,
        b"delay" => Word::Delay,
        b"procedure" => Word::Procedure,
        b"sleep" | b"benchmark" | b"pg_sleep" | b"extractvalue" | b"updatexml" | b"load_file"
        | b"randomblob" | b"xp_cmdshell" | b"xp_dirtree" | b"xp_regread" | b"sp_executesql"
        | b"sp_password" | b"sp_oacreate" | b"openrowset" | b"opendatasource" | b"name_const"
        | b"gtid_subset" | b"xmltype" | b"dbms_lock.sleep"
        | b"dbms_pipe.receive_message" | b"utl_http.request" | b"utl_inaddr.get_host_address"
        | b"utl_inaddr.get_host_name" | b"ctxsys.drithsx.sn" | b"pg_read_file" | b"lo_import"
        | b"pg_ls_dir" | b"load_extension" | b"analyse"
        | b"master..xp_cmdshell" | b"master.dbo.xp_cmdshell" => Word::Grave,
        b"count" | b"sum" | b"min" | b"max" | b"avg" | b"char" | b"chr" | b"nchar" | b"concat"
        | b"concat_ws" | b"group_concat" | b"string_agg" | b"substring" | b"substr" | b"mid"
        | b"left" | b"right" | b"ascii" | b"ord" | b"hex" | b"unhex" | b"length" | b"len"
        | b"char_length" | b"version" | b"schema" | b"cast" | b"convert" | b"if" | b"iif"
        | b"ifnull" | b"isnull" | b"nullif" | b"coalesce" | b"now" | b"sysdate" | b"rand"
        | b"random" | b"floor" | b"round" | b"md5" | b"sha1" | b"lower" | b"upper" | b"row_count"
        | b"elt" | b"make_set" | b"bin" | b"instr" | b"locate" | b"position" | b"reverse"
        | b"to_char" | b"to_number" | b"unicode" | b"quote" | b"strcmp" | b"abs" | b"row"
        | b"db_name" | b"user_name" | b"host_name" | b"object_id" | b"sqlite_version" | b"trim"
        | b"ltrim" | b"rtrim" | b"lpad" | b"rpad" | b"repeat" | b"current_database"
        | b"pg_database_size" | b"connection_id" | b"last_insert_id" | b"system" | b"sys_context"
        | b"generate_series" | b"array_agg" | b"xmlagg" | b"decode" | b"bitand" | b"sign"
        | b"exp" | b"polygon" | b"json_keys" => {
            Word::Function
        }
        _ if is_schema(word) => Word::Schema,
        _ => return None,
    })
}

/// Names of the tables and functions that describe a database.
fn is_schema(word: &[u8]) -> bool {
    const STARTS: [&[u8]; 16] = [
        b"information_schema",
        b"mysql.",
        b"pg_catalog",
        b"pg_",
        b"sqlite_master",
        b"sqlite_schema",
        b"sysobjects",
        b"syscolumns",
        b"sys.",
        b"master.",
        b"all_tables",
        b"user_tables",
        b"dba_",
        b"msysobjects",
        b"v$version",
        b"performance_schema",
    ];
    STARTS.iter().any(|start| word.starts_with(start))
}
