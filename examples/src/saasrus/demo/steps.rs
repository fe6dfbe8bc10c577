//! The steps of the story, each about one promise.

use std::error::Error;

use mcp_client::{EraChoice, ReasonKind};
use mcp_core::types::ResourceContents;
use serde_json::{Value, json};

use super::house::DOMAIN;
use super::messages::{discover, initialize, legacy, list_tools, modern};
use super::plain::Request;
use super::{Story, Told};
use crate::saasrus::tenants::harbour_books::{BASIC, PLUS};
use crate::saasrus::tenants::wholesale_chips::REQUIRE_CLIENT_CREDENTIALS;
use crate::saasrus::tenants::{Tenant, acme, corner_shop, harbour_books, wholesale_chips};
use crate::saasrus::tokens::Token;
use crate::viewer::console::one_line;

impl Story<'_> {
    pub(super) async fn same_question(&mut self) -> Told {
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

    pub(super) async fn open_documents(&mut self) -> Told {
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

    pub(super) async fn tokens(&mut self) -> Told {
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

    pub(super) async fn sessions(&mut self) -> Told {
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

    pub(super) async fn hosts(&mut self) -> Told {
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

    pub(super) async fn compulsory(&mut self) -> Told {
        self.announce(
            "Wholesale Chips serves nobody without its profile, which wants more than a token of SaaSRUS",
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

    pub(super) async fn insisting(&mut self) -> Told {
        self.announce("Acme knows no profiles: a client that needs one says nothing to it");
        let ada = self.key(&acme::TENANT, "ada")?;
        for era in ERAS {
            self.house.forget_log();
            self.refused(&acme::TENANT, &ada, era, Some(REQUIRE_CLIENT_CREDENTIALS), None).await?;
            self.nothing_else_arrived();
        }
        Ok(())
    }

    pub(super) async fn tiers(&mut self) -> Told {
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

    pub(super) async fn add(&mut self) -> Result<Value, Box<dyn Error>> {
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

    pub(super) async fn still_there(&mut self, added: &Value) -> Told {
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
