//! The rules that a server is held to, each with the page that says so.

use serde::Serialize;

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// A short name, for programs.
    pub(crate) id: &'static str,
    /// How bad it is to break it.
    pub(crate) severity: Severity,
    /// What it says, in our words.
    pub(crate) says: &'static str,
    /// The page of the legacy revisions, as of 2025-11-25 unless another one is named.
    legacy: Option<&'static str>,
    /// The page of 2026-07-28.
    modern: Option<&'static str>,
}

/// How bad it is to break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The specification says MUST, or nothing else can be made sense of.
    Error,
    /// The specification says SHOULD.
    Warning,
    /// Not wrong, but not good for those who use the server.
    Note,
}

impl Rule {
    /// The address of the page that holds the rule, for a protocol version.
    pub(crate) fn page(&self, version: &str) -> String {
        const LATEST_LEGACY: &str = "2025-11-25";
        let (revision, page) = match (version > LATEST_LEGACY, self.legacy, self.modern) {
            (true, _, Some(page)) | (false, None, Some(page)) => ("2026-07-28", page),
            (_, Some(page), _) => (LATEST_LEGACY, page),
            (_, None, None) => ("2026-07-28", ""),
        };
        match page {
            elsewhere if elsewhere.starts_with("https://") => elsewhere.to_owned(),
            page if page.starts_with("20") => format!("{SITE}/{page}"),
            page => format!("{SITE}/{revision}/{page}"),
        }
    }
}

const SITE: &str = "https://modelcontextprotocol.io/specification";

macro_rules! rules {
    ($($name:ident: $severity:ident $id:literal, $says:literal, $legacy:expr, $modern:expr;)*) => {
        $(
            #[doc = $says]
            pub(crate) static $name: Rule = Rule {
                id: $id,
                severity: Severity::$severity,
                says: $says,
                legacy: $legacy,
                modern: $modern,
            };
        )*

        #[cfg(test)]
        static ALL: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    // The wire.
    STDOUT_NOISE: Error "stdout-noise",
        "nothing but messages, one in a line, is written to standard output",
        Some("basic/transports#stdio"), Some("basic/transports/stdio");
    MESSAGE_FORM: Error "message-form",
        "every message follows JSON-RPC 2.0",
        Some("basic#messages"), Some("basic#messages");
    RESPONSE_ID: Error "response-id",
        "every answer has the id of its request, once, and of the same type",
        Some("basic#responses"), Some("basic#responses");
    UNKNOWN_METHOD: Error "unknown-method",
        "a request for an unknown method is answered with error -32601",
        Some("basic#responses"), Some("basic#error-codes");
    NOTIFICATION_ANSWERED: Error "notification-answered",
        "a notification is never answered, known or not",
        Some("basic#notifications"), Some("basic#notifications");
    INVALID_JSON: Warning "invalid-json",
        "a line that is no JSON is answered with error -32700 or passed over",
        Some("basic#responses"), Some("basic#error-codes");
    STAYS_ALIVE: Error "stays-alive",
        "the server goes on after a message that it cannot use",
        Some("basic/lifecycle#operation"), Some("basic/transports/stdio");
    CANCELLED_UNKNOWN: Warning "cancelled-unknown",
        "the cancellation of an unknown request is passed over",
        Some("basic/utilities/cancellation#error-handling"),
        Some("basic/patterns/cancellation#error-handling");
    EXIT_ON_EOF: Warning "exit-on-eof",
        "the server exits soon after its standard input was closed",
        Some("basic/lifecycle#shutdown"), Some("basic/transports/stdio#shutdown");
    SERVER_REQUEST: Error "server-request",
        "the server asks only for what the client declared, and nothing by itself since 2026-07-28",
        Some("basic/lifecycle#operation"), Some("basic/transports/stdio");
    EARLY_REQUEST: Warning "early-request",
        "the server asks nothing but pings before the client has said that it is initialized",
        Some("basic/lifecycle#initialization"), None;
    PROGRESS_TOKEN: Error "progress-token",
        "progress is reported only for requests in flight that asked for it",
        Some("basic/utilities/progress#behavior-requirements"),
        Some("basic/patterns/progress#behavior-requirements");
    PROGRESS_GROWS: Error "progress-grows",
        "progress grows with each notification",
        Some("basic/utilities/progress#progress-flow"),
        Some("basic/patterns/progress#progress-flow");
    UNASKED_LOG: Error "unasked-log",
        "log messages are sent only where logging is declared, and since 2026-07-28 asked for",
        Some("server/utilities/logging#capabilities"), Some("server/utilities/logging#capabilities");
    UNASKED_NOTIFICATION: Error "unasked-notification",
        "changes are told only to those who listen",
        None, Some("basic/patterns/subscriptions");

    // HTTP.
    HTTP_TYPE: Error "http-type",
        "a request is answered with `application/json` or `text/event-stream`",
        Some("basic/transports#sending-messages-to-the-server"),
        Some("basic/transports/streamable-http#sending-messages");
    HTTP_ACCEPTED: Error "http-accepted",
        "a notification or answer that is accepted gets status 202 and nothing else",
        Some("basic/transports#sending-messages-to-the-server"),
        Some("basic/transports/streamable-http#sending-messages");
    HTTP_STATUS: Error "http-status",
        "the status fits the error: 400 for -32020 to -32022, 404 for an unknown method",
        None, Some("basic/transports/streamable-http#protocol-version-header");
    HTTP_STREAM: Error "http-stream",
        "GET opens an event stream or is answered with status 405",
        Some("basic/transports#listening-for-messages-from-the-server"), None;
    EVENT_ID: Error "event-id",
        "no two events of a session have the same id",
        Some("basic/transports#resumability-and-redelivery"), None;
    HTTP_ORIGIN: Error "http-origin",
        "a request from a foreign `Origin` is answered with status 403",
        Some("basic/transports#security-warning"),
        Some("basic/transports/streamable-http#security--endpoint");
    HTTP_NOT_ACCEPTABLE: Note "http-accept",
        "a request that accepts neither JSON nor event streams is refused",
        Some("basic/transports#sending-messages-to-the-server"),
        Some("basic/transports/streamable-http#sending-messages");
    HEADER_MISMATCH: Error "header-mismatch",
        "headers that do not say what the body says are answered with status 400 and error -32020",
        None, Some("basic/transports/streamable-http#server-validation");
    HEADER_ENCODED: Error "header-encoded",
        "an encoded `Mcp-Name` is decoded before it is compared",
        None, Some("basic/transports/streamable-http#value-encoding");
    VERSION_HEADER: Error "version-header",
        "a request without a version in its headers, or with one that is not spoken, is refused",
        Some("basic/transports#protocol-version-header"),
        Some("basic/transports/streamable-http#protocol-version-header");
    HTTP_NO_SESSION: Warning "http-no-session",
        "a modern request begins no session",
        None, Some("basic/transports/streamable-http#earlier-streamable-http-revisions");
    HTTP_METHOD: Warning "http-method",
        "a server without legacy versions answers GET and DELETE with status 405",
        None, Some("basic/transports/streamable-http#earlier-streamable-http-revisions");
    SESSION_ID: Error "session-id",
        "every session has an id of its own, of visible ASCII characters",
        Some("basic/transports#session-management"), None;
    SESSION_GUESSABLE: Warning "session-guessable",
        "a session id is too long to be guessed",
        Some("basic/transports#session-management"), None;
    SESSION_REQUIRED: Warning "session-required",
        "a server with sessions answers a request without one with status 400",
        Some("basic/transports#session-management"), None;
    SESSION_OVER: Error "session-over",
        "a request in a session that is over is answered with status 404",
        Some("basic/transports#session-management"), None;
    SESSION_UNKNOWN: Warning "session-unknown",
        "a request in a session that never was is answered with status 404",
        Some("basic/transports#session-management"), None;
    SESSION_END: Error "session-end",
        "DELETE ends a session or is answered with status 405",
        Some("basic/transports#session-management"), None;
    WELL_KNOWN: Error "well-known",
        "the well-known document is a list of profiles, the same that the server says itself",
        None, Some("https://github.com/modelcontextprotocol/modelcontextprotocol/pull/1260");

    // Getting to know each other.
    INITIALIZE: Error "initialize",
        "`initialize` is answered with version, capabilities, and name and version of the server",
        Some("basic/lifecycle#initialization"), None;
    VERSION_SAME: Error "version-same",
        "a version that the server speaks is answered with the same version",
        Some("basic/lifecycle#version-negotiation"), None;
    VERSION_UNKNOWN: Error "version-unknown",
        "a version that does not exist is not agreed to",
        Some("basic/lifecycle#version-negotiation"), None;
    VERSION_REFUSED: Warning "version-refused",
        "a version that is not spoken is answered with one that is, rather than refused",
        Some("basic/lifecycle#version-negotiation"), None;
    MODERN_ONLY: Warning "modern-only",
        "a server without legacy versions answers `initialize` with an error that names its versions",
        None, Some("basic/versioning");
    BATCH: Error "batch",
        "a batch is answered in 2025-03-26",
        Some("2025-03-26/basic#batching"), None;
    PING: Error "ping",
        "`ping` is answered with an empty result",
        Some("basic/utilities/ping#behavior-requirements"), None;
    DISCOVER: Error "discover",
        "`server/discover` is answered with versions and capabilities",
        None, Some("server/discover");
    SERVER_INFO: Warning "server-info",
        "every result says in its `_meta` who the server is",
        None, Some("basic#meta");
    RESULT_TYPE: Error "result-type",
        "every result has a `resultType` that is known",
        None, Some("basic#responses");
    INPUT_REQUIRED: Error "input-required",
        "only tools, prompts and resources need more input, and only what the client declared",
        None, Some("basic/patterns/mrtr");
    CACHE_HINTS: Error "cache-hints",
        "what can be kept says for how long (`ttlMs`) and for whom (`cacheScope`)",
        None, Some("server/utilities/caching#cacheable-results");
    CACHE_SCOPE: Error "cache-scope",
        "all pages of a list are for the same callers",
        None, Some("server/utilities/caching");
    META_REQUIRED: Error "meta-required",
        "a request without version or capabilities in its `_meta` is answered with error -32602",
        None, Some("basic#meta");
    VERSION_UNSUPPORTED: Error "version-unsupported",
        "a version that is not spoken is answered with error -32022 and the versions that are",
        None, Some("basic/versioning");
    REMOVED_METHOD: Error "removed-method",
        "what 2026-07-28 has removed is unknown in it",
        None, Some("changelog");
    RETIRED_CODE: Error "retired-code",
        "error codes that 2026-07-28 reserves or has retired are not used",
        None, Some("basic#error-codes");
    LISTEN: Error "listen",
        "`subscriptions/listen` is acknowledged before anything else is sent for it",
        None, Some("basic/patterns/subscriptions#acknowledgment");

    // Lists.
    DECLARED_LIST: Error "declared-list",
        "what a server declares, it lists",
        Some("basic/lifecycle#capability-negotiation"), Some("server/tools#capabilities");
    UNDECLARED: Error "undeclared",
        "what a server offers, it declares",
        Some("basic/lifecycle#capability-negotiation"), Some("server/tools#capabilities");
    LIST_ENDS: Error "list-ends",
        "a list ends, and no cursor comes twice",
        Some("server/utilities/pagination"), Some("server/utilities/pagination");
    INVALID_CURSOR: Warning "invalid-cursor",
        "an unknown cursor is answered with error -32602",
        Some("server/utilities/pagination#error-handling"),
        Some("server/utilities/pagination#error-handling");
    STABLE_ORDER: Warning "stable-order",
        "a list has the same order each time",
        None, Some("server/tools#listing-tools");
    UNIQUE: Warning "unique",
        "the items of a list have different names",
        Some("server/tools#tool-names"), Some("server/tools#tool-names");
    ITEM_FORM: Error "item-form",
        "every item of a list has its required members",
        Some("schema"), Some("schema");
    ICONS: Warning "icons",
        "icons are `https:` or `data:` addresses",
        Some("basic#icons"), Some("basic#icons");

    // Tools.
    TOOL_NAME: Warning "tool-name",
        "names of tools are 1 to 128 ASCII letters, digits, `_`, `-` and `.`",
        Some("server/tools#tool-names"), Some("server/tools#tool-names");
    TOOL_DESCRIPTION: Note "tool-description",
        "a tool says what it does",
        Some("server/tools#tool"), Some("server/tools#tool");
    INPUT_SCHEMA: Error "input-schema",
        "`inputSchema` is a valid schema of type object",
        Some("server/tools#tool"), Some("server/tools#tool");
    OUTPUT_SCHEMA: Error "output-schema",
        "`outputSchema` is a valid schema, of type object before 2026-07-28",
        Some("server/tools#output-schema"), Some("server/tools#output-schema");
    SCHEMA_REQUIRED: Warning "schema-required",
        "what a schema requires, it describes",
        Some("basic#json-schema-usage"), Some("basic#json-schema-usage");
    HINTS: Note "hints",
        "a tool that only reads destroys nothing",
        Some("server/tools#tool"), Some("server/tools#tool");
    CALL_WITHOUT_NAME: Error "call-without-name",
        "`tools/call` without a name is answered with error -32602",
        Some("server/tools#error-handling"), Some("server/tools#error-handling");
    UNKNOWN_TOOL: Error "unknown-tool",
        "a call of an unknown tool is answered with error -32602",
        Some("server/tools#error-handling"), Some("server/tools#error-handling");
    TOOL_RESULT: Error "tool-result",
        "a tool answers with content blocks of known form",
        Some("server/tools#tool-result"), Some("server/tools#tool-result");
    STRUCTURED: Error "structured-content",
        "structured content fits the declared schema",
        Some("server/tools#output-schema"), Some("server/tools#output-schema");
    MIRROR: Warning "text-mirror",
        "structured content is there as text, too",
        Some("server/tools#structured-content"), Some("server/tools#structured-content");

    // Resources, prompts, completion, logging.
    UNKNOWN_RESOURCE: Error "unknown-resource",
        "an unknown resource is an error: -32002, or -32602 since 2026-07-28",
        Some("server/resources#error-handling"), Some("server/resources#error-handling");
    RESOURCE_CONTENTS: Error "resource-contents",
        "contents have a URI, and text or base64",
        Some("server/resources#resource-contents"), Some("server/resources#resource-contents");
    UNKNOWN_PROMPT: Warning "unknown-prompt",
        "an unknown prompt is answered with error -32602",
        Some("server/prompts#error-handling"), Some("server/prompts#error-handling");
    PROMPT_ARGUMENTS: Warning "prompt-arguments",
        "a prompt without a required argument is answered with error -32602",
        Some("server/prompts#error-handling"), Some("server/prompts#error-handling");
    PROMPT_RESULT: Error "prompt-result",
        "a prompt is a list of messages with role and content",
        Some("server/prompts#data-types"), Some("server/prompts#data-types");
    COMPLETION: Error "completion",
        "completions are at most 100 texts",
        Some("server/utilities/completion#completion-results"),
        Some("server/utilities/completion#completion-results");
    UNKNOWN_REFERENCE: Warning "unknown-reference",
        "a completion for an unknown prompt is answered with error -32602",
        Some("server/utilities/completion#error-handling"),
        Some("server/utilities/completion#error-handling");
    LOG_LEVEL: Error "log-level",
        "`logging/setLevel` is answered with an empty result",
        Some("server/utilities/logging#setting-log-level"), None;
    UNKNOWN_LEVEL: Warning "unknown-level",
        "an unknown log level is answered with error -32602",
        Some("server/utilities/logging#error-handling"), None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_different_names_and_at_least_one_page() {
        let mut names: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(ALL.iter().all(|rule| rule.legacy.is_some() || rule.modern.is_some()));
    }

    #[test]
    fn pages_are_those_of_the_revision() {
        let page = |version| UNKNOWN_TOOL.page(version);
        assert!(page("2026-07-28").ends_with("/2026-07-28/server/tools#error-handling"));
        assert!(page("2024-11-05").ends_with("/2025-11-25/server/tools#error-handling"));
        assert!(PING.page("2026-07-28").contains("/2025-11-25/"));
        assert!(BATCH.page("2025-03-26").ends_with("/specification/2025-03-26/basic#batching"));
    }
}
