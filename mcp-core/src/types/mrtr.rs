//! Multi-round-trip requests: a server answers a request by asking, and the client sends it again
//! with the answers.
//!
//! Specification: 2026-07-28, basic, patterns, "Multi Round-Trip Requests". The questions are the
//! requests that servers sent on their own up to 2025-11-25. It does not know what `requestState` means.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeOwned},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use super::{
    CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams, ElicitResult,
    ListRootsResult, Meta, RawObject, RawObjectError, ordered,
    raw::{one_line, same_text},
};

/// Something that a server asks of its client: a method and its params.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum InputRequest {
    /// `elicitation/create`: ask the person.
    Elicit(ElicitRequestParams),
    /// `sampling/createMessage`: ask the model.
    CreateMessage(Box<CreateMessageRequestParams>),
    /// `roots/list`: name the folders to work in.
    ListRoots,
    /// Any other method.
    Other {
        /// The method.
        method: String,
        /// Its params, as they were received.
        params: Option<Box<RawValue>>,
    },
}

impl InputRequest {
    /// The method as it is written in a message.
    pub fn method(&self) -> &str {
        match self {
            Self::Elicit(_) => "elicitation/create",
            Self::CreateMessage(_) => "sampling/createMessage",
            Self::ListRoots => "roots/list",
            Self::Other { method, .. } => method,
        }
    }

    /// Reads a request by its method.
    ///
    /// # Errors
    ///
    /// When the params do not fit the method, or are missing where it needs some.
    pub fn read(method: &str, params: Option<&RawValue>) -> Result<Self, serde_json::Error> {
        let needed = || params.ok_or_else(|| de::Error::missing_field("params"));
        Ok(match method {
            "elicitation/create" => Self::Elicit(serde_json::from_str(needed()?.get())?),
            "sampling/createMessage" => Self::CreateMessage(serde_json::from_str(needed()?.get())?),
            "roots/list" => Self::ListRoots,
            other => Self::Other {
                method: other.to_owned(),
                params: params.map(|raw| one_line(raw.to_owned())),
            },
        })
    }
}

impl From<ElicitRequestParams> for InputRequest {
    fn from(params: ElicitRequestParams) -> Self {
        Self::Elicit(params)
    }
}

impl From<CreateMessageRequestParams> for InputRequest {
    fn from(params: CreateMessageRequestParams) -> Self {
        Self::CreateMessage(Box::new(params))
    }
}

impl PartialEq for InputRequest {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Elicit(a), Self::Elicit(b)) => a == b,
            (Self::CreateMessage(a), Self::CreateMessage(b)) => a == b,
            (Self::ListRoots, Self::ListRoots) => true,
            (Self::Other { method: a, params: p }, Self::Other { method: b, params: q }) => {
                a == b && same_text(p.as_deref(), q.as_deref())
            }
            _ => false,
        }
    }
}

impl Serialize for InputRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("method", self.method())?;
        match self {
            Self::Elicit(params) => map.serialize_entry("params", params)?,
            Self::CreateMessage(params) => map.serialize_entry("params", params)?,
            Self::Other { params: Some(params), .. } => map.serialize_entry("params", params)?,
            Self::ListRoots | Self::Other { params: None, .. } => {}
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for InputRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            method: String,
            params: Option<Box<RawValue>>,
        }
        let Fields { method, params } = Fields::deserialize(deserializer)?;
        Self::read(&method, params.as_deref()).map_err(de::Error::custom)
    }
}

/// What a server asks, by the keys under which it wants the answers; in its order.
///
/// More than 256 requests, or two under one key, are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputRequests(#[serde(with = "ordered")] Vec<(String, InputRequest)>);

impl InputRequests {
    /// Asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a request and returns the one that was at `key`.
    pub fn insert(
        &mut self,
        key: impl Into<String>,
        request: impl Into<InputRequest>,
    ) -> Option<InputRequest> {
        ordered::insert(&mut self.0, key.into(), request.into())
    }

    /// The request at `key`.
    pub fn get(&self, key: &str) -> Option<&InputRequest> {
        ordered::get(&self.0, key)
    }

    /// Keys and requests, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &InputRequest)> {
        self.0.iter().map(|(key, request)| (key.as_str(), request))
    }

    /// The number of requests.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for InputRequests {
    type Item = (String, InputRequest);
    type IntoIter = std::vec::IntoIter<(String, InputRequest)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<String>, R: Into<InputRequest>> FromIterator<(K, R)> for InputRequests {
    fn from_iter<I: IntoIterator<Item = (K, R)>>(pairs: I) -> Self {
        let mut requests = Self::new();
        for (key, request) in pairs {
            requests.insert(key, request);
        }
        requests
    }
}

/// A client's answer to an [`InputRequest`].
///
/// In a message it does not say what it is: [`InputRequest::method`] does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum InputResponse {
    /// What the person did.
    Elicit(ElicitResult),
    /// What the model has said.
    CreateMessage(Box<CreateMessageResult>),
    /// The folders to work in.
    ListRoots(ListRootsResult),
    /// The answer to any other method.
    Other(RawObject),
}

impl InputResponse {
    /// Reads the answer to `request`.
    ///
    /// # Errors
    ///
    /// When it does not fit the request.
    pub fn read(request: &InputRequest, raw: &RawValue) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        match request {
            InputRequest::Elicit(_) => serde_json::from_str(text).map(Self::Elicit),
            InputRequest::CreateMessage(_) => serde_json::from_str(text).map(Self::CreateMessage),
            InputRequest::ListRoots => serde_json::from_str(text).map(Self::ListRoots),
            InputRequest::Other { .. } => serde_json::from_str(text).map(Self::Other),
        }
    }
}

impl From<ElicitResult> for InputResponse {
    fn from(result: ElicitResult) -> Self {
        Self::Elicit(result)
    }
}

impl From<CreateMessageResult> for InputResponse {
    fn from(result: CreateMessageResult) -> Self {
        Self::CreateMessage(Box::new(result))
    }
}

impl From<ListRootsResult> for InputResponse {
    fn from(result: ListRootsResult) -> Self {
        Self::ListRoots(result)
    }
}

/// The answers to what a server has asked, by its keys; still undecoded.
///
/// More than 256 answers, or two under one key, are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InputResponses(#[serde(with = "ordered")] Vec<(String, RawObject)>);

impl InputResponses {
    /// Answers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer: an [`InputResponse`], or any of the results in it.
    ///
    /// # Errors
    ///
    /// When `response` cannot be written as JSON, or is written as something else than an object.
    pub fn insert<T: Serialize + ?Sized>(
        &mut self,
        key: impl Into<String>,
        response: &T,
    ) -> Result<(), RawObjectError> {
        self.insert_raw(key, RawObject::new(response)?);
        Ok(())
    }

    /// Adds an answer and returns the one that was at `key`.
    pub fn insert_raw(&mut self, key: impl Into<String>, response: RawObject) -> Option<RawObject> {
        ordered::insert(&mut self.0, key.into(), response)
    }

    /// The answer at `key`, undecoded.
    pub fn get(&self, key: &str) -> Option<&RawObject> {
        ordered::get(&self.0, key)
    }

    /// The answer at `key`, decoded as what was asked for; `None` when there is none.
    ///
    /// # Errors
    ///
    /// When the answer does not fit `T`.
    pub fn decode<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, serde_json::Error> {
        self.get(key).map(RawObject::parse).transpose()
    }

    /// Keys and answers, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &RawObject)> {
        self.0.iter().map(|(key, response)| (key.as_str(), response))
    }

    /// The number of answers.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is answered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for InputResponses {
    type Item = (String, RawObject);
    type IntoIter = std::vec::IntoIter<(String, RawObject)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<String>> FromIterator<(K, RawObject)> for InputResponses {
    fn from_iter<I: IntoIterator<Item = (K, RawObject)>>(pairs: I) -> Self {
        let mut responses = Self::new();
        for (key, response) in pairs {
            responses.insert_raw(key, response);
        }
        responses
    }
}

/// What a server answers instead of a result when it needs something from the client first.
///
/// The client sends the request again, with the answers and the state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputRequiredResult {
    /// What is asked; without it the request is simply to be sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_requests: Option<InputRequests>,
    /// What the server wants back as it is. Only the server knows what it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl InputRequiredResult {
    /// Asks for these.
    pub fn new(requests: InputRequests) -> Self {
        Self { input_requests: Some(requests), ..Self::default() }
    }

    /// Asks for nothing but the same request with this state.
    pub fn again(state: impl Into<String>) -> Self {
        Self::default().with_request_state(state)
    }

    /// Sets what the server wants back.
    #[must_use]
    pub fn with_request_state(mut self, state: impl Into<String>) -> Self {
        self.request_state = Some(state.into());
        self
    }
}

/// What a request that is sent again carries besides its own params.
///
/// The codecs write it; any request of a client may have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputResponseRequestParams {
    /// The answers, one for each key that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<InputResponses>,
    /// The state of the result that asked, as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{
        ElicitRequestFormParams, ElicitRequestURLParams, ElicitationSchema, Root, SamplingMessage,
    };

    #[test]
    fn requests_are_told_by_their_method_and_keep_their_order() {
        let text = concat!(
            r#"{"z":{"method":"roots/list"},"#,
            r#""b":{"method":"elicitation/create","params":{"mode":"url","message":"a","url":"b:c"}},"#,
            r#""a":{"method":"sampling/createMessage","params":{"messages":[],"maxTokens":1,"metadata":{"n":1e2}}},"#,
            r#""c":{"method":"tea/make","params":{"sugar":[1]}}}"#,
        );
        let requests: InputRequests = serde_json::from_str(text).unwrap();
        let methods: Vec<_> = requests.iter().map(|(_, request)| request.method()).collect();
        assert_eq!(
            methods,
            ["roots/list", "elicitation/create", "sampling/createMessage", "tea/make"]
        );
        assert_eq!(serde_json::to_string(&requests).unwrap(), text);
        assert_eq!(requests.clone().into_iter().collect::<InputRequests>(), requests);
    }

    #[test]
    fn a_request_that_does_not_fit_its_method_is_named() {
        for (text, expected) in [
            (r#"{"k":{"method":"elicitation/create"}}"#, "`k`: missing field `params`"),
            (
                r#"{"k":{"method":"sampling/createMessage","params":{"messages":[]}}}"#,
                "`k`: missing field `maxTokens`",
            ),
            (r#"{"k":{"params":{}}}"#, "`k`: missing field `method`"),
            (
                r#"{"k":{"method":"roots/list"},"k":{"method":"roots/list"}}"#,
                "`k` stands there twice",
            ),
        ] {
            let error = serde_json::from_str::<InputRequests>(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn responses_are_read_by_the_request() {
        let form = ElicitRequestFormParams::new("a", ElicitationSchema::new());
        let pairs: [(InputRequest, InputResponse); 3] = [
            (ElicitRequestParams::from(form).into(), ElicitResult::decline().into()),
            (
                CreateMessageRequestParams::new([SamplingMessage::user("a")], 1).into(),
                CreateMessageResult::new("m", "b").into(),
            ),
            (InputRequest::ListRoots, ListRootsResult::new([Root::new("file:///a")]).into()),
        ];
        for (request, response) in pairs {
            let mut responses = InputResponses::new();
            responses.insert("k", &response).unwrap();
            let raw = responses.get("k").unwrap().as_raw();
            assert_eq!(InputResponse::read(&request, raw).unwrap(), response);
        }
    }

    #[test]
    fn responses_stay_raw_until_they_are_wanted() {
        let text = r#"{"b":{"action":"cancel","n":1.50},"a":{}}"#;
        let responses: InputResponses = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&responses).unwrap(), text);
        assert_eq!(responses.decode("b").unwrap(), Some(ElicitResult::cancel()));
        assert!(responses.decode::<ElicitResult>("a").is_err());
        assert_eq!(responses.decode::<ElicitResult>("c").unwrap(), None);
        let error = serde_json::from_str::<InputResponses>(r#"{"a":[]}"#).unwrap_err().to_string();
        assert!(error.starts_with("`a`: an array, expected an object"), "{error}");
    }

    #[test]
    fn a_server_can_ask_for_nothing_but_the_state() {
        let result = InputRequiredResult::again("s");
        assert_eq!(serde_json::to_string(&result).unwrap(), r#"{"requestState":"s"}"#);
        let url = ElicitRequestParams::from(ElicitRequestURLParams::new("a", "b:c"));
        let result = InputRequiredResult::new([("k", url)].into_iter().collect());
        assert!(result.input_requests.unwrap().get("k").is_some());
    }
}
