//! Every bound and every default time limit of the engine, by name and in one place.
//!
//! A queue, buffer, retry or loop elsewhere names one of these. Relations between limits are
//! asserted at compile time at the end of the file.

pub(crate) mod firewall;
pub(crate) mod guards;
pub(crate) mod http2;
pub(crate) mod import;
pub(crate) mod mirror;
pub(crate) mod tables;

// Configuration.
pub(crate) const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// A checked configuration as it travels to a worker.
pub(crate) const GENERATION_BYTES_MAX: u64 = 16 << 20;
/// One error page's file, and all of them together.
pub(crate) const PAGE_BYTES_MAX: u64 = 256 << 10;
/// Replacements of a list of header rules, and rules of one.
pub(crate) const REPLACEMENTS_MAX: usize = 64;
pub(crate) const PAGES_BYTES_MAX: usize = 2 << 20;
/// A compiled regular expression.
pub(crate) const REGEX_BYTES_MAX: usize = 1 << 20;
/// For the end of an engine whose file does not say: how long at least, and at most, for the sake of
/// what programs were promised.
pub(crate) const SHUTDOWN_TIMEOUT_MS: u64 = 30_000;
pub(crate) const SHUTDOWN_TIMEOUT_MS_MAX: u64 = 3_600_000;
pub(crate) const WORKERS_MAX: usize = 64;
pub(crate) const UPSTREAMS_MAX: usize = 128;
pub(crate) const BACKENDS_MAX: usize = 512;
pub(crate) const UPSTREAM_MEMBERS_MAX: usize = 64;
pub(crate) const PROGRAM_INSTANCES_MAX: u32 = 64;
/// Of all programs together: the keeper holds up to three keys of each instance.
pub(crate) const PROGRAM_INSTANCES_ALL_MAX: u32 = 3_840;
/// What describes all instances to the next master, an instance beside its definition, and what may
/// wait for a listener.
pub(crate) const PROGRAMS_KEPT_BYTES_MAX: u64 = 7 << 20;
pub(crate) const PROGRAM_KEPT_BYTES: u64 = 1024;
pub(crate) const LISTENER_KEPT_BYTES: u64 = 4 * 1024;
/// How long a roll may have a new process prove itself: a year, as every time of the file.
pub(crate) const PROGRAM_MIN_READY_MS_MAX: u64 = 366 * 86_400_000;
/// Supervisor's.
pub(crate) const PROGRAM_PRIORITY: i32 = 999;
/// Either way.
pub(crate) const PROGRAM_PRIORITY_MAX: i32 = 1_000_000;
pub(crate) const WEIGHT_MAX: u32 = 1000;
/// Of a whole upstream that hashes consistently, beyond which weights are scaled down: its ring has
/// 160 points for each.
pub(crate) const RING_WEIGHT_MAX: u32 = 1024;
pub(crate) const NAME_BYTES_MAX: usize = 64;

// Client side of the data path.
pub(crate) const HEAD_BYTES_MAX: usize = 32 * 1024;
/// A smaller bound would refuse what every browser sends.
pub(crate) const HEAD_BYTES_LEAST: u64 = 1024;
pub(crate) const HEADERS_MAX: usize = 128;
pub(crate) const TARGET_BYTES_MAX: usize = 24 * 1024;
/// As much of a request's first line as nginx takes by default.
pub(crate) const TARGET_BYTES: usize = 8 * 1024;
/// A longer name in `Host` matches no server by name.
pub(crate) const HOST_BYTES_MAX: usize = 256;
/// A longer method is none; the longest that is registered has 17 letters.
pub(crate) const METHOD_BYTES_MAX: usize = 32;
/// Expressions among the hosts of one server; a request that no name fits looks at all of them.
pub(crate) const HOST_PATTERNS_MAX: usize = 256;
/// Unless told otherwise, and as far as the open files allow.
pub(crate) const CONNECTIONS_PER_WORKER: u32 = 16 * 1024;
pub(crate) const CONNECTIONS_PER_WORKER_MAX: u32 = 1 << 20;
/// Of a worker's descriptors, for what is no client's and no backend's connection.
pub(crate) const DESCRIPTORS_RESERVED: u64 = 128;
/// Connections taken off a listener's queue when it closes.
pub(crate) const LISTEN_QUEUE_MAX: usize = 4096;
pub(crate) const REQUESTS_PER_CONNECTION: u32 = 1000;
pub(crate) const REQUESTS_PER_CONNECTION_MAX: u32 = 1_000_000_000;
/// Of a body that is only passed on. nginx's 1 MB is for bodies that it keeps, as it does unless
/// told otherwise; here they stream in bounded memory whatever their length, and how much an
/// upload may be is the application's to say.
pub(crate) const BODY_BYTES_MAX: u64 = u64::MAX;
/// Of a body that is kept until it is whole: nginx's bound.
pub(crate) const BODY_BUFFERED_BYTES_MAX: u64 = 1 << 20;
pub(crate) const HEADER_READ_TIMEOUT_MS: u64 = 60_000;
pub(crate) const BODY_READ_TIMEOUT_MS: u64 = 60_000;
pub(crate) const SEND_TIMEOUT_MS: u64 = 60_000;
pub(crate) const KEEPALIVE_TIMEOUT_MS: u64 = 75_000;
/// A TCP route's connection on which neither side says anything (nginx's `proxy_timeout`).
pub(crate) const STREAM_IDLE_TIMEOUT_MS: u64 = 600_000;
/// For the first message of a TLS client, where a TCP route goes by it; and hosts of one route.
pub(crate) const HELLO_TIMEOUT_MS: u64 = 30_000;
pub(crate) const STREAM_HOSTS_MAX: usize = 1024;

// Upstream side.
pub(crate) const UPSTREAM_SEND_TIMEOUT_MS: u64 = 60_000;
pub(crate) const CONNECT_TIMEOUT_MS: u64 = 5_000;
pub(crate) const FIRST_BYTE_TIMEOUT_MS: u64 = 60_000;
pub(crate) const BETWEEN_BYTES_TIMEOUT_MS: u64 = 60_000;
pub(crate) const UPSTREAM_IDLE_TIMEOUT_MS: u64 = 60_000;
pub(crate) const UPSTREAM_KEEPALIVE: u16 = 64;
pub(crate) const UPSTREAM_AGE_MAX_MS: u64 = 3_600_000;
pub(crate) const UPSTREAM_REQUESTS_MAX: u32 = 1000;
/// Of one worker to one upstream, serving or idle.
pub(crate) const UPSTREAM_CONNECTIONS_MAX: u32 = 16 * 1024;
/// Requests in flight at one backend that can be asked for.
pub(crate) const BACKEND_MAX_CONNS_MAX: u32 = 1_000_000;
/// Requests that wait for one upstream, in all workers.
pub(crate) const QUEUE_LENGTH_MAX: u32 = 100_000;
/// As long as nginx's wait.
pub(crate) const QUEUE_TIMEOUT_MS: u64 = 60_000;
/// How long a session of the backends' is remembered after it was last seen, as nginx does.
pub(crate) const SESSION_TIMEOUT_MS: u64 = 600_000;
/// A backend's word in sticky clients' cookies.
pub(crate) const STICKY_ROUTE_BYTES_MAX: usize = 64;
pub(crate) const UPSTREAM_TCP_KEEPALIVE_MS: u64 = 60_000;
/// Further backends a failed request may be offered to.
pub(crate) const RETRIES: u32 = 1;
pub(crate) const RETRIES_MAX: u32 = 64;
/// Retries in vain, of the requests of the last seconds.
pub(crate) const RETRY_BUDGET_PERCENT: u32 = 20;
pub(crate) const RETRY_BUDGET_PERCENT_MAX: u32 = 100;
/// Kept connections to a backend that must have served again, without one found closed between,
/// before a request that cannot be repeated follows at once on one.
pub(crate) const TRUSTED_REUSES: u16 = 32;
/// Idle for so long, a connection can have such a request of any backend.
pub(crate) const SEASONED_MS: u64 = 250;
/// Offers of one request that are noted one by one, for the log.
pub(crate) const ATTEMPTS_NOTED_MAX: usize = 8;
pub(crate) const CHUNK_LINE_BYTES_MAX: usize = 4 * 1024;
/// Of a request that is kept whole, head included; the rest is in a file.
pub(crate) const REQUEST_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Helper threads of a worker, which wait for files.
pub(crate) const FILE_THREADS_MAX: usize = 4;

// Files that routes serve.
/// A file up to this size is read whole, kept, and sent from memory; a longer one goes from the
/// kernel to the client.
pub(crate) const FILE_KEPT_BYTES_MAX: u64 = 64 * 1024;
/// All files that one worker keeps, and how many.
pub(crate) const FILES_KEPT_BYTES_MAX: usize = 16 << 20;
pub(crate) const FILES_KEPT_MAX: usize = 4096;
/// A file that has changed within this time is not kept: the clock of the file system may not tell
/// the next change from the last.
pub(crate) const FILE_SETTLED_MS: u64 = 100;
/// Of a file at once: what is asked for of the disk, and what is handed to the kernel.
pub(crate) const FILE_PIECE_BYTES: u64 = 1 << 20;
/// Sent of one file before other connections have their turn.
pub(crate) const FILE_TURN_BYTES: u64 = 2 << 20;
/// Parts of a file in one answer, where the file says nothing, and at most.
pub(crate) const FILE_RANGES: u32 = 64;
pub(crate) const FILE_RANGES_MAX: u32 = 1024;
/// Entries of a folder that are listed.
pub(crate) const FILES_LISTED_MAX: usize = 64 * 1024;
/// Names that may stand for a folder, and paths that may be tried.
pub(crate) const FILE_INDEX_MAX: usize = 16;
pub(crate) const FILE_TRIES_MAX: usize = 16;

// Compression of answers.
/// Answers of one worker that are compressed at a time; others go as they are.
pub(crate) const COMPRESSIONS_MAX: u32 = 128;
/// Shorter answers stay as they are: what is saved is less than a packet.
pub(crate) const COMPRESS_BYTES_MIN: u64 = 1024;

// TLS.
/// For a whole handshake with a client.
pub(crate) const HANDSHAKE_TIMEOUT_MS: u64 = 10_000;
/// Handshakes of one worker that are under way; beyond them the one that has lasted longest ends.
pub(crate) const HANDSHAKES_MAX: usize = 512;
/// Certificates and keys of all servers and upstreams.
pub(crate) const CERTIFICATE_BYTES_MAX: usize = 8 << 20;
/// Of one server: one for each kind of key.
pub(crate) const CERTIFICATES_PER_SERVER_MAX: usize = 4;
/// What an authority says of one of them.
pub(crate) const STAPLE_BYTES_MAX: u64 = 64 * 1024;
/// How often the files of certificates are looked at.
pub(crate) const CERTIFICATE_LOOK_MS: u64 = 1_000;
/// How long sessions are sealed by one key; for as long again they can be gone on with.
pub(crate) const TICKET_KEY_MS: u64 = 12 * 3_600_000;
/// How long a client's session can be gone on with; shorter where it has shown a certificate, which
/// is not looked at again then.
pub(crate) const TICKET_LIFE_S: u32 = 12 * 3_600;
pub(crate) const TICKET_LIFE_VERIFIED_S: u32 = 3_600;

// Health of backends.
/// Questions of active checks at a time; the rest wait for their turn.
pub(crate) const CHECKS_AT_ONCE_MAX: usize = 64;
/// First questions are spread over this long, or over the interval if that is less.
pub(crate) const CHECK_SPREAD_MS: u64 = 1_000;
/// What is looked at of an answer to a check: its head, and the beginning of its body.
pub(crate) const CHECK_HEAD_BYTES_MAX: usize = 16 * 1024;
pub(crate) const CHECK_BODY_BYTES_MAX: usize = 64 * 1024;
/// Certificates to verify backends with, of all checks together.
pub(crate) const CHECK_CA_BYTES_MAX: usize = 4 << 20;
/// How often a backend that is ejected again and again is out for longer each time.
pub(crate) const EJECTIONS_MAX: u32 = 10;
/// Medians below this are no slower than others, however fast those are.
pub(crate) const OUTLIER_LATENCY_US_MIN: u64 = 1_000;

// Names of backends.
pub(crate) const RESOLVERS_MAX: usize = 8;
pub(crate) const RESOLVE_TIMEOUT_MS: u64 = 5_000;
/// How long an answer is good, whatever it says itself. An answer for a day would hide a change of
/// a day, and asking a resolver that still knows costs next to nothing.
pub(crate) const RESOLVE_VALID_MIN_MS: u64 = 1_000;
pub(crate) const RESOLVE_VALID_MAX_MS: u64 = 300_000;
/// Pause after a failed lookup: doubled from the first to the second.
pub(crate) const RESOLVE_PAUSE_MIN_MS: u64 = 500;
pub(crate) const RESOLVE_PAUSE_MAX_MS: u64 = 15_000;
/// Between two looks at a file that lists backends, and the most that is read of it.
pub(crate) const LIST_LOOK_MS: u64 = 500;
pub(crate) const LIST_BYTES_MAX: u64 = 64 * 1024;

// Buffers of the data path: grows with the body from the first to the second.
pub(crate) const BODY_BUFFER_BYTES_MIN: usize = 32 * 1024;
pub(crate) const BODY_BUFFER_BYTES_MAX: usize = 256 * 1024;
pub(crate) const LARGE_BUFFERS_PER_WORKER_MAX: usize = 256;
/// A body's beginning up to this size is sent in one piece with its head.
pub(crate) const BODY_COPY_BYTES_MAX: usize = 4 * 1024;

// The worker's own pace.
pub(crate) const SWEEP_INTERVAL_MS: u64 = 250;
/// Connections between two requests that keep what serving takes, until a sweep finds them idle.
pub(crate) const RESTING_MAX: u32 = 256;
/// The last worker that leaves accepts for this long: those who came meanwhile were promised a
/// connection by the kernel.
pub(crate) const DRAIN_ACCEPT_MS: u64 = 50;
/// How long an idle connection may still bring a request once its worker drains.
pub(crate) const DRAIN_IDLE_GRACE_MS: u64 = 500;
/// How long what is cut at the end of a worker's time may take to be answered, counted and logged.
pub(crate) const CUT_GRACE_MS: u64 = 200;
/// How long the next bytes of a client whose connection ends are waited for, and how long they are
/// dropped in all, so that it can read the last answer: closing at once would take it back.
pub(crate) const LINGER_TIMEOUT_MS: u64 = 5_000;
pub(crate) const LINGER_TIME_MAX_MS: u64 = 30_000;
/// Between two lines of a worker about the same trouble of its own.
pub(crate) const COMPLAINT_PAUSE_MS: u64 = 1_000;
/// How long the kernel keeps a client to itself that has connected and said nothing yet: most speak at
/// once, and one wake-up for both costs a tenth less. The kernel counts in seconds.
pub(crate) const ACCEPT_SILENT_S: u16 = 1;
/// How long a listener that goes is kept for those: the kernel asks a silent client once more after a
/// second, and its answer is good.
pub(crate) const ACCEPT_LAST_MS: u64 = 1_200;
/// How often it is looked whether there are any.
pub(crate) const ACCEPT_LAST_LOOK_MS: u64 = 100;
/// How long a worker leaves a connection to others that hold fewer before it looks whether anybody
/// took it, and how many it takes then; twice as many each time that more are waiting.
pub(crate) const ACCEPT_LATE_MS: u64 = 8;
pub(crate) const ACCEPT_LATE_FIRST: usize = 1;
/// A worker that has not shown itself for this long is not left any connection.
pub(crate) const ACCEPT_HEARTBEAT_MS: u64 = 1_000;
/// Pause after `accept` failed for want of descriptors or memory.
pub(crate) const ACCEPT_PAUSE_MS: u64 = 100;

// Access logs.
/// They and files of users, of one configuration: each worker has them open.
pub(crate) const HANDED_FILES_MAX: usize = 1_024;
/// A batch of lines is written when it is this long, and at every sweep.
pub(crate) const LOG_BATCH_BYTES: usize = 64 * 1024;
/// Batches of one worker that wait for a slow disk; lines beyond them are dropped.
pub(crate) const LOG_BATCHES_WAITING_MAX: usize = 16;
/// How long a pipe may take nothing before what it was given is dropped.
pub(crate) const LOG_STALL_MS: u32 = 250;
/// Between two attempts to open a file.
pub(crate) const LOG_RETRY_MS: u64 = 1_000;
/// How long a worker waits for its last lines to be written: when files are opened again, and at
/// its end.
pub(crate) const LOG_SETTLE_MS: u64 = 1_000;
/// How long whoever asked for files to be opened again waits for all workers.
pub(crate) const LOG_REOPEN_WAIT_MS: u64 = 3_000;

// Control.
pub(crate) const CONTROL_CLIENTS_MAX: usize = 64;
pub(crate) const CONTROL_BODY_BYTES_MAX: usize = 1 << 20;
pub(crate) const CONTROL_HEADER_TIMEOUT_MS: u64 = 10_000;
/// Over TCP: fewer, since strangers may come here.
pub(crate) const CONTROL_HTTP_CLIENTS_MAX: usize = 32;
/// How long a client over TCP may take nothing of its answer.
pub(crate) const CONTROL_HTTP_STALL_MS: u64 = 10_000;
/// How long what is being answered goes on when its address or token is no more.
pub(crate) const CONTROL_HTTP_CLOSING_MS: u64 = 1_000;
pub(crate) const CONTROL_TOKEN_BYTES_MAX: u64 = 4 * 1024;
/// Of a log, in one answer to one of Supervisor's clients.
pub(crate) const RPC_LOG_BYTES_MAX: u64 = 16 << 20;
/// Of the engine's own log, in one piece for who follows it.
pub(crate) const RPC_TAIL_BYTES_MAX: usize = 64 * 1024;
/// Between two looks at the engine's own log, while somebody follows it.
pub(crate) const RPC_TAIL_LOOK_MS: u64 = 200;
pub(crate) const RPC_TAIL_QUEUE_MAX: usize = 16;
pub(crate) const WATCH_QUEUE_MAX: usize = 64;
pub(crate) const REQUEST_FOLLOWERS_MAX: usize = 32;
/// Batches of requests waiting for one follower.
pub(crate) const REQUEST_FOLLOW_QUEUE_MAX: usize = 32;
pub(crate) const EVENTS_KEPT_MAX: usize = 1000;
pub(crate) const HISTORY_SECONDS: usize = 900;
/// Changes of an upstream that may explain how it balances.
pub(crate) const CHANGES_KEPT_MAX: usize = 16;
/// Requests that the master remembers for such a model, of all upstreams.
pub(crate) const ARRIVALS_KEPT_MAX: usize = 32 * 1024;
/// What a model of other strategies looks back on, and the requests times backends times strategies
/// that it may cost: some milliseconds of the master's.
pub(crate) const WHAT_IF_MS: u64 = 60_000;
pub(crate) const WHAT_IF_STEPS_MAX: usize = 1 << 19;
pub(crate) const WHAT_IF_ARRIVALS_MAX: usize = 20_000;
/// The busiest client networks that are named.
pub(crate) const TOP_CLIENTS_MAX: usize = 5;

// Supervision.
/// What the first instance of a program may be numbered.
pub(crate) const PROGRAM_FIRST_INSTANCE_MAX: u32 = 1_000_000;
/// Listening sockets of a program; beside them a child has room for its standard descriptors.
pub(crate) const PROGRAM_SOCKETS_MAX: usize = 8;
/// Written to a program's standard input at once: what an empty pipe has room for.
pub(crate) const PROGRAM_STDIN_BYTES_MAX: usize = 64 * 1024;
/// Listeners start before everybody and stop after, so that they hear of all of it. Supervisor's.
pub(crate) const LISTENER_PRIORITY: i32 = -1;
/// Events that wait for an event listener, where the file says nothing, and at most.
pub(crate) const LISTENER_BUFFER: u32 = 10;
pub(crate) const LISTENER_BUFFER_MAX: u32 = 10_000;
/// What all of these hold.
pub(crate) const LISTENER_WAITING_BYTES_MAX: usize = 16 << 20;
/// For a listener's first word: that it is ready.
pub(crate) const LISTENER_READY_MS: u64 = 60_000;
/// For a listener's answer to one event, where the file says nothing.
pub(crate) const LISTENER_TIMEOUT_MS: u64 = 30_000;
/// What a listener may say in answer to one event.
pub(crate) const LISTENER_RESULT_BYTES_MAX: usize = 64 * 1024;
/// Read of its answers at once.
pub(crate) const LISTENER_READ_BYTES: usize = 4 * 1024;
/// Events of each listener that outlive a master, and how long one may be.
pub(crate) const LISTENER_SAVED_MAX: usize = 32;
pub(crate) const LISTENER_SAVED_BYTES_MAX: usize = 2 * 1024;
/// How often an event is given out again whose listener died or fell silent over it.
pub(crate) const LISTENER_DELIVERIES_MAX: u32 = 5;
/// Files of variables of a program, and what is read of each at every start.
pub(crate) const PROGRAM_ENV_FILES_MAX: usize = 16;
pub(crate) const PROGRAM_ENV_FILE_BYTES_MAX: u64 = 64 * 1024;
pub(crate) const PROGRAM_LOG_RING_BYTES: usize = 256 * 1024;
/// Of which whole blocks of lines are forgotten.
pub(crate) const PROGRAM_LOG_BLOCK_BYTES: usize = 16 * 1024;
pub(crate) const PROGRAM_LINE_BYTES_MAX: usize = 64 * 1024;
/// Read at once, and what the pipe of a program that fills it may grow to.
pub(crate) const PROGRAM_READ_BYTES: usize = 256 * 1024;
/// Read at once from a pipe when its program has ended; the rest follows piece by piece.
pub(crate) const PROGRAM_DRAIN_BYTES_MAX: usize = 1 << 20;
/// How long a pipe is read after its program's end, for what others still write.
pub(crate) const PROGRAM_PIPE_GRACE_MS: u64 = 200;
/// A line without an end that is left in its pipe: how long, and how long it may be.
pub(crate) const PROGRAM_BEGUN_MS: u64 = 200;
pub(crate) const PROGRAM_BEGUN_BYTES_MAX: usize = 16 * 1024;
/// A message of a program to listeners.
pub(crate) const PROGRAM_CAPTURE_BYTES_MAX: u64 = 1 << 20;
/// Old log files that may be kept of one.
pub(crate) const PROGRAM_LOG_BACKUPS_MAX: u32 = 1_000;
/// A line to the system log.
pub(crate) const PROGRAM_SYSLOG_BYTES_MAX: usize = 8 * 1024;
/// What waits for a reader of the engine's own output, or for the system log: from how much on
/// programs wait as well, and how much it may be at most.
pub(crate) const PROGRAM_OUTLET_HELD_BYTES: usize = 64 * 1024;
pub(crate) const PROGRAM_OUTLET_BYTES_MAX: usize = 2 << 20;
/// A reader that has taken nothing for this long is waited for only where that is wanted.
pub(crate) const PROGRAM_OUTLET_STALL_MS: u64 = 1_000;
/// How long the engine's end waits for what such readers have yet to take.
pub(crate) const PROGRAM_OUTLET_SETTLE_MS: u64 = 1_000;
/// Lines taken out of a pipe at a time where each becomes longer on its way, and by how much at most:
/// time, names, quotes.
pub(crate) const PROGRAM_LINES_AT_ONCE: usize = 1024;
pub(crate) const PROGRAM_LINE_FORM_BYTES_MAX: usize = 256;
/// Files that are compressed at a time.
pub(crate) const PROGRAM_COMPRESSIONS_MAX: usize = 1;
/// How long whoever has the configuration read waits for its file systems.
pub(crate) const CONFIG_READ_WAIT_MS: u64 = 5_000;
/// And how many may wait for one that does not answer.
pub(crate) const CONFIG_READS_WAITING_MAX: usize = 64;
/// How long whoever reads a log waits for its file system.
pub(crate) const LOG_READ_WAIT_MS: u64 = 5_000;
/// Output kept for a file that can not be written.
pub(crate) const PROGRAM_FILE_WAITING_BYTES_MAX: usize = 1 << 20;
/// Of all of that, for the master that an upgrade begins.
pub(crate) const PROGRAM_LEFT_BYTES_MAX: usize = 16 << 20;
/// Kept lines of several instances, for one reader.
pub(crate) const PROGRAM_MERGED_BYTES_MAX: usize = 4 << 20;
pub(crate) const PROGRAM_FOLLOWERS_MAX: usize = 32;
/// What waits for one of them, in pieces and in bytes.
pub(crate) const PROGRAM_FOLLOW_QUEUE_MAX: usize = 1024;
pub(crate) const PROGRAM_FOLLOW_BYTES_MAX: usize = 1 << 20;
/// How long a caller waits for an instance whose probe does not answer; it goes on starting.
pub(crate) const PROGRAM_READY_WAIT_MS: u64 = 60_000;
/// How long a caller waits for the end of a job; it goes on.
pub(crate) const PROGRAM_JOB_WAIT_MS: u64 = 24 * 3_600_000;
/// Restarts that a crash limit can count.
pub(crate) const PROGRAM_CRASHES_MAX: u32 = 1_000;
/// Signals of one stop, SIGKILL included.
pub(crate) const PROGRAM_STOP_STEPS_MAX: usize = 8;
/// Side commands (hooks, probes) of all programs that run at a time; the rest wait for their turn.
pub(crate) const PROGRAM_ERRANDS_MAX: usize = 64;
/// How long one of them waits for its turn; their own times run from there.
pub(crate) const PROGRAM_ERRAND_TURN_MS: u64 = 600_000;
pub(crate) const PROGRAM_ERRAND_READ_BYTES: usize = 4 * 1024;
/// Callers that wait for programs to start or stop.
pub(crate) const PROGRAM_CALLERS_MAX: usize = 256;
/// The same of callers that each wait for one instance: several clients for every one there is.
pub(crate) const PROGRAM_ASKED_MAX: usize = 16 * 1024;
/// Ports tried beyond a taken one, for the embedded default.
pub(crate) const PROGRAM_PORTS_TRIED_MAX: u16 = 100;
/// A smaller bound would end everything at once.
pub(crate) const PROGRAM_MEMORY_BYTES_MIN: u64 = 1 << 20;
pub(crate) const PROGRAM_CPU_PERCENT_MAX: u32 = 100 * 1024;
pub(crate) const PROGRAM_TASKS_MAX: u32 = 1 << 22;
pub(crate) const PROGRAM_LIMIT_CHECKS_MAX: u32 = 3_600;
/// Between two looks at groups whose last processes were left on purpose.
pub(crate) const PROGRAM_GROUPS_TIDY_MS: u64 = 2_000;
/// Between two looks for the main process of a program that has forked itself away.
pub(crate) const PROGRAM_ELECT_MS: u64 = 25;
pub(crate) const PROGRAM_ELECT_MS_MAX: u64 = 1_000;
/// For a daemon to show its main process, where the file does not say.
pub(crate) const PROGRAM_LAUNCH_MS: u64 = 60_000;
pub(crate) const PROGRAM_PIDFILE_BYTES_MAX: u64 = 64;
/// Looks for those who start others while a tree of processes is killed one by one.
pub(crate) const PROGRAM_SWEEP_PASSES_MAX: usize = 16;
/// How long a binary may take to say whether it could take over, and how much it may say.
pub(crate) const UPGRADE_TRIAL_MS: u64 = 10_000;
pub(crate) const UPGRADE_WORDS_BYTES_MAX: usize = 16 * 1024;
/// How long the exit status of an adopted program may take from the keeper.
pub(crate) const PROGRAM_STATUS_WAIT_MS: u64 = 1_000;
/// How soon a status is asked for again that a tracer has first.
pub(crate) const PROGRAM_STATUS_AGAIN_MS: u64 = 50;
const _: () = assert!(PROGRAM_STATUS_AGAIN_MS < PROGRAM_STATUS_WAIT_MS);

/// Of a program on which it can say that it is ready: above the standard ones, and as many as a
/// child may be given.
pub(crate) const PROGRAM_DESCRIPTOR_MIN: u32 = 3;
pub(crate) const PROGRAM_DESCRIPTOR_MAX: u32 = 15;
/// What a program may say of itself at once; a longer datagram is nobody's.
pub(crate) const PROGRAM_NOTICE_BYTES_MAX: usize = 4 * 1024;
/// Notices taken one after another before everything else has its turn, and the pause then.
pub(crate) const PROGRAM_NOTICES_AT_ONCE: u32 = 32;
pub(crate) const PROGRAM_NOTICES_PAUSE_MS: u64 = 10;
/// How much longer a start may take because the program says so, at a time and in all.
pub(crate) const PROGRAM_EXTEND_MS_MAX: u64 = 3_600_000;
/// Ancestors of a process that are asked whether they are a program.
pub(crate) const PROGRAM_ANCESTORS_MAX: usize = 32;

const _: () = assert!(PROGRAM_DESCRIPTOR_MIN <= PROGRAM_DESCRIPTOR_MAX);
/// A ticket can be opened for as long as it is good.
const _: () = assert!(TICKET_LIFE_S as u64 * 1000 <= TICKET_KEY_MS);
const _: () = assert!(TARGET_BYTES <= TARGET_BYTES_MAX);
const _: () = assert!(TARGET_BYTES_MAX < HEAD_BYTES_MAX);
const _: () = assert!(BODY_BUFFER_BYTES_MIN <= BODY_BUFFER_BYTES_MAX);
/// The first keeps its place, whatever shares the last.
const _: () = assert!(ATTEMPTS_NOTED_MAX > 1);
const _: () = assert!((UPSTREAM_KEEPALIVE as u32) < UPSTREAM_CONNECTIONS_MAX);
const _: () = assert!(UPSTREAM_MEMBERS_MAX <= BACKENDS_MAX);
const _: () = assert!(RESOLVE_VALID_MIN_MS <= RESOLVE_VALID_MAX_MS);
const _: () = assert!(RESOLVE_PAUSE_MIN_MS <= RESOLVE_PAUSE_MAX_MS);
const _: () = assert!(2 * SWEEP_INTERVAL_MS <= ACCEPT_HEARTBEAT_MS);
const _: () = assert!(ACCEPT_LAST_MS > ACCEPT_SILENT_S as u64 * 1000);
const _: () = assert!(LOG_SETTLE_MS < LOG_REOPEN_WAIT_MS);
/// A line whose bytes are all escaped, and what stands around it, can be told.
const _: () = assert!(2 * 6 * PROGRAM_LINE_BYTES_MAX < PROGRAM_FOLLOW_BYTES_MAX);
/// What a program's pipe gives at once fits, each byte as six where it is escaped.
const _: () = assert!(
    PROGRAM_OUTLET_HELD_BYTES
        + PROGRAM_LINES_AT_ONCE * PROGRAM_LINE_FORM_BYTES_MAX
        + PROGRAM_READ_BYTES * 6
        < PROGRAM_OUTLET_BYTES_MAX
);
