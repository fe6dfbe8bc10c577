//! A person in front of the pages of `oidc-provider`, without a browser: signs in and consents.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_client::auth::{AuthError, AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Response, Url, redirect};

/// Where nobody listens: the answer is read off the redirect that leads there.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:1/callback";

/// A person who signs in as `ana`.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    consents: bool,
    asked: Arc<Mutex<Vec<Url>>>,
}

impl Person {
    pub(crate) fn who_consents() -> Self {
        Self { consents: true, asked: Arc::default() }
    }

    pub(crate) fn who_declines() -> Self {
        Self { consents: false, ..Self::who_consents() }
    }

    /// The addresses that were opened.
    pub(crate) fn asked(&self) -> Vec<Url> {
        self.asked.lock().unwrap().clone()
    }
}

impl UserAgent for Person {
    fn prepare<'a>(
        &'a self,
        _: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Visit>, AuthError>> {
        let visit: Box<dyn Visit> = Box::new(Sitting(self.clone()));
        std::future::ready(Ok(visit)).boxed()
    }
}

/// One visit.
#[derive(Debug)]
struct Sitting(Person);

impl Visit for Sitting {
    fn redirect_uri(&self) -> &str {
        REDIRECT
    }

    fn authorize(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<AuthorizationResponse, AuthError>> {
        self.0.asked.lock().unwrap().push(request.url.clone());
        async move {
            let back = walk(request.url, self.0.consents).await;
            AuthorizationResponse::from_redirect(&back)
        }
        .boxed()
    }
}

/// Fills in each page until one leads back; the address of that.
async fn walk(start: Url, consents: bool) -> Url {
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let mut cookies = Cookies::default();
    let (mut method, mut url, mut form) = (Method::GET, start, String::new());
    for _ in 0..MOST_PAGES {
        let request = client
            .request(method, url.clone())
            .header(COOKIE, cookies.to_send())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let response = request.send().await.unwrap();
        cookies.keep(&response);
        form = String::new();
        if let Some(next) = response.headers().get(LOCATION) {
            (method, url) = (Method::GET, url.join(next.to_str().unwrap()).unwrap());
            if url.as_str().starts_with(REDIRECT) {
                return url;
            }
            continue;
        }
        let page = response.text().await.unwrap();
        let prompt = between(&page, "name=\"prompt\" value=\"", "\"")
            .unwrap_or_else(|| panic!("a page without a form at {url}:\n{page}"));
        if prompt == "consent" && !consents {
            let leave = between(&page, "<a href=\"", "\"").expect("one may leave");
            (method, url) = (Method::GET, url.join(leave).unwrap());
            continue;
        }
        let action = between(&page, "action=\"", "\"").expect("forms have one");
        url = url.join(action).unwrap();
        method = Method::POST;
        form = format!("prompt={prompt}&login=ana&password=any");
    }
    panic!("the pages never lead back; the last one is {url}");
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// The cookies of one server, whichever of its pages they are for.
#[derive(Default)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn keep(&mut self, response: &Response) {
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or_default();
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    fn to_send(&self) -> String {
        let all: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.join("; ")
    }
}

const MOST_PAGES: usize = 12;
