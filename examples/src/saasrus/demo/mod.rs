//! What SaaSRUS does, shown with real requests and checked as it is told.
//!
//! The process serves itself on a port of the loopback interface, with a temporary data directory.
//! What a well-behaved client does is done by the client of this project, in both eras; what it
//! would never do is sent as [plain](plain) HTTP.

pub mod house;
pub mod messages;
pub mod plain;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use mcp_client::{EraChoice, Error as ClientError, ReasonKind};
use mcp_core::types::ResourceContents;
use serde_json::{Value, json};

use super::access_log::Line;
use super::tenants::harbour_books::{BASIC, PLUS};
use super::tenants::wholesale_chips::REQUIRE_CLIENT_CREDENTIALS;
use super::tenants::{Tenant, acme, corner_shop, harbour_books, wholesale_chips};
use super::tokens::Token;
use crate::viewer::console::{Console, one_line};
use house::{DOMAIN, House, Keys};
use messages::{discover, initialize, legacy, list_tools, modern};
use plain::{Answer, Request};

/// Tells the story; succeeds only if everything went as announced.
pub async fn run() -> ExitCode {
    let console = Console::find(false, false);
    let begun = Instant::now();
    match tell(&console).await {
        Ok(0) => {
            let seconds = begun.elapsed().as_secs_f64();
            let text = format!("\nEverything went as announced, in {seconds:.1} s.\n");
            console.say(&console.out.green(&text));
            ExitCode::SUCCESS
        }
        Ok(surprises) => {
            console.say(&console.out.red(&format!("\n{surprises} things went differently.\n")));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("saasrus-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(console: &Console) -> Result<usize, Box<dyn Error>> {
    let data = tempfile::Builder::new().prefix("saasrus-demo-").tempdir()?;
    let mut keys = Keys::new();
    let house = House::start(data.path(), &mut keys).await?;
    console.say(
        "SaaSRUS keeps documents for several tenants, in one process behind one listener:\n\n",
    );
    for tenant in super::tenants::ALL {
        console.say(&format!("  {:<16} {}\n", tenant.title, house.url(tenant)));
    }
    let mut story = Story { console, house, keys, steps: 0, surprises: 0 };
    story.same_question().await?;
    story.open_documents().await?;
    story.tokens().await?;
    story.sessions().await?;
    story.hosts().await?;
    story.compulsory().await?;
    story.insisting().await?;
    story.tiers().await?;
    let added = story.add().await?;
    let mut story = story.start_again(data.path()).await?;
    story.still_there(&added).await?;
    story.house.stop().await?;
    Ok(story.surprises)
}

struct Story<'a> {
    console: &'a Console,
    house: House,
    keys: Keys,
    steps: usize,
    surprises: usize,
}

/// How a step ends that could not be told to its end.
type Told = Result<(), Box<dyn Error>>;

impl Story<'_> {
    async fn same_question(&mut self) -> Told {
        self.announce("Two tenants, one question: each answers from its own documents");
        for era in ERAS {
            let mut answers = Vec::new();
            for tenant in [&acme::TENANT, &corner_shop::TENANT] {
                let client =
                    self.house.connect(tenant, &self.key(tenant, "ada")?, era, None).await?;
                let found: Value =
                    client.call("search_documents", json!({ "text": "price" })).await?;
                let id = json!({ "id": found["documents"][0]["id"] });
                let read: Value = client.call("read_document", id).await?;
                let version = client.negotiated().version().to_string();
                client.shutdown().await;
                let text = read["text"].as_str().unwrap_or_default().to_owned();
                self.tell(&format!("MCP {version}, {}: {}", tenant.title, one_line(&text)));
                answers.push(text);
            }
            self.check(answers[0].starts_with("Anvils"), "Acme answers something else");
            self.check(answers[1].starts_with("Milk"), "the corner shop answers something else");
        }
        Ok(())
    }

    async fn open_documents(&mut self) -> Told {
        self.announce("Which profiles a tenant supports, anybody may ask, without a token");
        let path = "/.well-known/mcp-supported-profiles";
        let below = "/.well-known/mcp-supported-profiles/tenants";
        let none: &[&str] = &[];
        for (host, path, profiles) in [
            (
                host(&wholesale_chips::TENANT),
                format!("{path}/mcp"),
                Some(&[REQUIRE_CLIENT_CREDENTIALS][..]),
            ),
            (host(&harbour_books::TENANT), format!("{path}/mcp"), Some(&[PLUS, BASIC])),
            (host(&acme::TENANT), path.to_owned(), Some(none)),
            (DOMAIN.to_owned(), format!("{below}/cornershop/mcp"), Some(none)),
            (DOMAIN.to_owned(), format!("{below}/nobody/mcp"), None),
        ] {
            let answer = self.house.send(&Request::new("GET", &path).header("Host", &host)).await?;
            let message = answer.message();
            let declared = message.as_array().map(|entries| {
                entries.iter().filter_map(|entry| entry["profileURL"].as_str()).collect::<Vec<_>>()
            });
            let what = match &declared {
                Some(urls) if urls.is_empty() => "none".to_owned(),
                Some(urls) => urls.join(", "),
                None => "nothing".to_owned(),
            };
            self.tell(&format!("{host}{path}: {}, {what}", answer.status));
            let status = if profiles.is_some() { 200 } else { 404 };
            self.check(answer.status == status, &format!("the status is {}", answer.status));
            self.check(declared.as_deref() == profiles, &format!("declared is {declared:?}"));
        }
        Ok(())
    }

    async fn tokens(&mut self) -> Told {
        self.announce("A token of one tenant is worth nothing at another");
        let ours = format!("Bearer {}", self.key(&acme::TENANT, "ada")?.as_str());
        let theirs = format!("Bearer {}", self.key(&corner_shop::TENANT, "ada")?.as_str());
        for (who, token, status, challenge) in [
            ("no token at all", None, 401, Some("Bearer realm=\"saasrus\"")),
            ("the corner shop's Ada", Some(theirs.as_str()), 401, Some(INVALID_TOKEN)),
            ("a token of nobody", Some("Bearer saasrus_00"), 401, Some(INVALID_TOKEN)),
            ("Acme's own Ada", Some(ours.as_str()), 200, None),
        ] {
            for (era, request) in [
                ("modern", modern("/mcp", &discover())),
                ("legacy", legacy("/mcp", &initialize(), None)),
            ] {
                let request = request.header("Host", host(&acme::TENANT));
                let request = match token {
                    Some(token) => request.header("Authorization", token),
                    None => request,
                };
                let answer = self.house.send(&request).await?;
                self.answered(&format!("{who}, {era}"), &answer, status);
                let got = answer.header("WWW-Authenticate");
                self.check(got == challenge, &format!("the challenge is {got:?}"));
            }
        }
        Ok(())
    }

    async fn sessions(&mut self) -> Told {
        self.announce("A session belongs to the tenant and the caller that opened it");
        let (ada, grace) = (self.key(&acme::TENANT, "ada")?, self.key(&acme::TENANT, "grace")?);
        let theirs = self.key(&corner_shop::TENANT, "ada")?;
        let at_acme = |request: Request, token: &Token| signed(request, host(&acme::TENANT), token);
        let opened = self.house.send(&at_acme(legacy("/mcp", &initialize(), None), &ada)).await?;
        let session = opened.header("Mcp-Session-Id").unwrap_or_default().to_owned();
        let list = |path| legacy(path, &list_tools(), Some(&session));
        let end = || Request::new("DELETE", "/mcp").header("Mcp-Session-Id", &session);
        let requests = [
            ("Ada lists tools", at_acme(list("/mcp"), &ada), 200),
            ("Grace, in Ada's session", at_acme(list("/mcp"), &grace), 404),
            ("Grace ends Ada's session", at_acme(end(), &grace), 404),
            (
                "the corner shop's Ada, in it",
                signed(list("/tenants/cornershop/mcp"), DOMAIN, &theirs),
                404,
            ),
            ("Ada lists tools again", at_acme(list("/mcp"), &ada), 200),
            ("Ada ends it", at_acme(end(), &ada), 200),
            ("Ada, in what has ended", at_acme(list("/mcp"), &ada), 404),
        ];
        self.check(!session.is_empty(), "no session was opened");
        for (what, request, status) in requests {
            let answer = self.house.send(&request).await?;
            match answer.status {
                // Both say that it is gone (2025-11-25, basic/transports, "Session Management").
                202 | 204 if status == 200 => self.answered(what, &answer, answer.status),
                _ => self.answered(what, &answer, status),
            }
        }
        Ok(())
    }

    async fn hosts(&mut self) -> Told {
        self.announce("Which tenant is asked, the Host header says, and nothing else");
        let ada = self.key(&acme::TENANT, "ada")?;
        let ours = host(&acme::TENANT);
        let ask = |target: &str| {
            modern(target, &discover()).header("Authorization", format!("Bearer {}", ada.as_str()))
        };
        let requests = [
            ("an unknown host", ask("/mcp").header("Host", format!("nobody.{DOMAIN}")), 404),
            ("another tenant's path", ask("/tenants/cornershop/mcp").header("Host", &ours), 404),
            ("two hosts", ask("/mcp").header("Host", &ours).header("Host", DOMAIN), 400),
            ("the same host twice", ask("/mcp").header("Host", &ours).header("Host", &ours), 400),
            (
                "a target of another host",
                ask(&format!("http://{DOMAIN}/mcp")).header("Host", &ours),
                400,
            ),
            ("no host", ask("/mcp"), 400),
        ];
        for (what, request, status) in requests {
            let answer = self.house.send(&request).await?;
            self.answered(what, &answer, status);
        }
        let other = host(&harbour_books::TENANT);
        for (name, value) in [
            ("X-Forwarded-Host", other.clone()),
            ("Forwarded", format!("host={other}")),
            ("X-Original-Host", other),
        ] {
            let answer =
                self.house.send(&ask("/mcp").header("Host", &ours).header(name, value)).await?;
            self.answered(&format!("{name} names Harbour Books"), &answer, 200);
            let by_acme = answer.message().to_string().contains("\"name\":\"acme\"");
            self.check(by_acme, "it was not Acme that answered");
        }
        Ok(())
    }

    async fn compulsory(&mut self) -> Told {
        self.announce(
            "Wholesale Chips serves nobody without its profile, and its check cannot run yet",
        );
        let bob = self.key(&wholesale_chips::TENANT, "bob")?;
        for era in ERAS {
            self.house.forget_log();
            let wanted = Some(REQUIRE_CLIENT_CREDENTIALS);
            self.refused(
                &wholesale_chips::TENANT,
                &bob,
                era,
                wanted,
                Some(&ReasonKind::NotPermitted),
            )
            .await?;
            self.nothing_else_arrived();
        }
        for (what, request) in [
            ("an initialize that asks for nothing", legacy("/mcp", &initialize(), None)),
            ("a modern tools/list that asks for nothing", modern("/mcp", &list_tools())),
        ] {
            let request = signed(request, host(&wholesale_chips::TENANT), &bob);
            let answer = self.house.send(&request).await?;
            self.answered(what, &answer, 200);
            let code = &answer.message()["error"]["code"];
            self.check(*code == json!(1004), &format!("the error is {}", answer.message()));
            self.check(answer.header("Mcp-Session-Id").is_none(), "a session was opened");
        }
        Ok(())
    }

    async fn insisting(&mut self) -> Told {
        self.announce("Acme knows no profiles: a client that needs one says nothing to it");
        let ada = self.key(&acme::TENANT, "ada")?;
        for era in ERAS {
            self.house.forget_log();
            self.refused(&acme::TENANT, &ada, era, Some(REQUIRE_CLIENT_CREDENTIALS), None).await?;
            self.nothing_else_arrived();
        }
        Ok(())
    }

    async fn tiers(&mut self) -> Told {
        self.announce("Harbour Books has two tiers: Linus has basic, Margaret has plus");
        let long = json!({ "title": "Tides", "text": "High, low, high. ".repeat(100) });
        let holders = [("linus", BASIC, 2, false), ("margaret", PLUS, 4, true)];
        for era in ERAS {
            for (name, profile, hits, long_allowed) in holders {
                let token = self.key(&harbour_books::TENANT, name)?;
                let client =
                    self.house.connect(&harbour_books::TENANT, &token, era, Some(profile)).await?;
                let found: Value =
                    client.call("search_documents", json!({ "text": "book" })).await?;
                let found = found["documents"].as_array().map_or(0, Vec::len);
                let added = client.call::<Value>("add_document", &long).await;
                let said = match &added {
                    Ok(entry) => format!("adds document {}", entry["id"]),
                    Err(error) => one_line(&error.to_string()),
                };
                let removed = match &added {
                    Ok(entry) => {
                        client.call::<String>("remove_document", json!({ "id": entry["id"] })).await
                    }
                    Err(_) => client.call::<String>("remove_document", json!({ "id": 1 })).await,
                };
                client.shutdown().await;
                self.tell(&format!("{name}, {}: finds {found} of 4, {said}", era_name(era)));
                self.check(found == hits, &format!("{found} documents were found"));
                self.check(added.is_ok() == long_allowed, "the long document");
                self.check(long_allowed || said.contains("bytes_in"), "the limit is not named");
                self.check(removed.is_ok() == long_allowed, "removing");
            }
        }
        let linus = self.key(&harbour_books::TENANT, "linus")?;
        self.refused(
            &harbour_books::TENANT,
            &linus,
            EraChoice::Modern,
            Some(PLUS),
            Some(&ReasonKind::NotPermitted),
        )
        .await
    }

    async fn add(&mut self) -> Result<Value, Box<dyn Error>> {
        self.announce("Ada adds a document to Acme's, and SaaSRUS is stopped and started again");
        let ada = self.key(&acme::TENANT, "ada")?;
        let client = self.house.connect(&acme::TENANT, &ada, EraChoice::Modern, None).await?;
        let document =
            json!({ "title": "Magnets", "text": "They attract everything but customers." });
        let added = client.call::<Value>("add_document", document).await?;
        client.shutdown().await;
        self.tell(&format!("document {}, {}, by {}", added["id"], added["title"], added["author"]));
        self.check(added["author"] == "ada", "the author is somebody else");
        Ok(added)
    }

    /// Ends the process, as far as it is SaaSRUS, and starts it on the same data.
    async fn start_again(self, data: &Path) -> Result<Self, Box<dyn Error>> {
        let Self { house, mut keys, .. } = self;
        house.stop().await?;
        let house = House::start(data, &mut keys).await?;
        Ok(Self { house, keys, ..self })
    }

    async fn still_there(&mut self, added: &Value) -> Told {
        let grace = self.key(&acme::TENANT, "grace")?;
        let client = self.house.connect(&acme::TENANT, &grace, EraChoice::Legacy, None).await?;
        let uri = format!("documents://{}", added["id"]);
        let read = client.read_resource(&uri).await?;
        client.shutdown().await;
        let text = match read.contents.first() {
            Some(ResourceContents::Text(contents)) => contents.text.as_str(),
            _ => "",
        };
        let line = text.lines().nth(2).unwrap_or_default();
        self.tell(&format!("Grace reads {uri}: {}", one_line(line)));
        self.check(text.contains("but customers"), "the document is another");
        Ok(())
    }

    /// A connection of our own client that does not come about.
    async fn refused(
        &mut self,
        tenant: &Tenant,
        token: &Token,
        era: EraChoice,
        require: Option<&str>,
        reason: Option<&ReasonKind>,
    ) -> Told {
        match self.house.connect(tenant, token, era, require).await {
            Ok(client) => {
                client.shutdown().await;
                self.check(false, "the server agreed");
            }
            Err(ClientError::Rejected(rejection)) => {
                for line in format!("{rejection:#}").lines() {
                    self.tell(line);
                }
                let said =
                    require.and_then(|url| rejection.reason(url)).map(|reason| reason.kind());
                self.check(said == reason, &format!("the reason is {said:?}"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Before agreement nothing but discovery and `initialize` arrives, and the end of a session.
    fn nothing_else_arrived(&mut self) {
        let lines = self.house.access_log();
        for Line { host, request, methods, status, .. } in &lines {
            let what = if methods.is_empty() { request.clone() } else { methods.join(", ") };
            let line = format!("access log: {host}  {what}  {status}");
            self.tell(&self.console.out.dim(&one_line(&line)));
        }
        let harmless = |line: &Line| match line.request.split(' ').next() {
            Some("GET") => line.request.contains("/.well-known/"),
            Some("DELETE") => true,
            _ => {
                line.methods.len() == 1
                    && ["server/discover", "initialize"].contains(&line.methods[0].as_str())
            }
        };
        self.check(!lines.is_empty(), "the access log is empty");
        self.check(lines.iter().all(harmless), "something else arrived");
    }

    fn answered(&mut self, what: &str, answer: &Answer, status: u16) {
        let error = &answer.message()["error"];
        let why = match (error["code"].as_i64(), error["message"].as_str()) {
            (Some(code), Some(why)) => format!(", error {code}: {}", one_line(why)),
            _ => String::new(),
        };
        self.tell(&format!("{what}: {}{why}", answer.status));
        self.check(answer.status == status, &format!("the status is {}", answer.status));
    }

    fn key(&self, tenant: &Tenant, holder: &str) -> Result<Token, String> {
        let key = self.keys.get(&(tenant.name, holder.to_owned()));
        key.cloned().ok_or_else(|| format!("{holder} has no token of {}", tenant.title))
    }

    fn announce(&mut self, what: &str) {
        self.steps += 1;
        let number = self.console.out.dim(&format!("{:>2}", self.steps));
        self.console.say(&format!("\n{number}  {}\n", self.console.out.bold(what)));
    }

    fn tell(&self, what: &str) {
        self.console.say(&format!("    {what}\n"));
    }

    /// Notes whether something went as announced.
    fn check(&mut self, as_announced: bool, what: &str) {
        if !as_announced {
            self.surprises += 1;
            self.tell(&self.console.out.red(&format!("not as announced: {}", one_line(what))));
        }
    }
}

/// The host of a tenant that has one.
fn host(tenant: &Tenant) -> String {
    tenant.address(DOMAIN)
}

fn signed(request: Request, host: impl AsRef<str>, token: &Token) -> Request {
    request.header("Host", host).header("Authorization", format!("Bearer {}", token.as_str()))
}

fn era_name(era: EraChoice) -> &'static str {
    match era {
        EraChoice::Legacy => "legacy",
        _ => "modern",
    }
}

const ERAS: [EraChoice; 2] = [EraChoice::Modern, EraChoice::Legacy];
const INVALID_TOKEN: &str = r#"Bearer realm="saasrus", error="invalid_token""#;
