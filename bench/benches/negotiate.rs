//! The decisions about profiles, on both sides.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mcp_core::profile::{
    Answer, ClientPolicy, Declaration, DeclaredProfile, Entitlement, MinMcpVersion, Offer,
    ProfilePolicy, ProfileUrl, RequestedProfiles, Terms,
};
use mcp_core::version::ProtocolVersion;
use serde_json::value::to_raw_value;

criterion_group!(benches, server, client);
criterion_main!(benches);

fn server(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("server decides");
    for count in [2, 64] {
        let urls = urls(count);
        let declared = urls.iter().cloned();
        let declared = declared.map(|url| DeclaredProfile::new(url, MinMcpVersion::ANY));
        let policy = ProfilePolicy::builder(Declaration::new(declared).unwrap())
            .default_profile(urls[0].as_str())
            .build()
            .unwrap();
        let resolved = policy.resolve(&Entitlement::all());
        let requested = RequestedProfiles::new(urls).unwrap();
        let (legacy, modern) = (ProtocolVersion::V2025_11_25, ProtocolVersion::V2026_07_28);
        group.bench_function(BenchmarkId::new("partial", count), |bencher| {
            bencher.iter(|| resolved.decide(black_box(&requested), &legacy, Terms::Partial));
        });
        group.bench_function(BenchmarkId::new("all or nothing", count), |bencher| {
            bencher.iter(|| resolved.decide(black_box(&requested), &modern, Terms::AllOrNothing));
        });
        let nothing = RequestedProfiles::default();
        group.bench_function(BenchmarkId::new("nothing asked", count), |bencher| {
            bencher.iter(|| resolved.decide(black_box(&nothing), &modern, Terms::AllOrNothing));
        });
        group.bench_function(BenchmarkId::new("entitlement", count), |bencher| {
            let entitlement = Entitlement::only(requested.iter().map(ProfileUrl::as_str));
            bencher.iter(|| policy.resolve(black_box(&entitlement)));
        });
    }
    group.finish();
}

fn client(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("client checks");
    for count in [1, 64] {
        let urls = urls(count);
        let policy = urls.iter().fold(ClientPolicy::builder(), |policy, url| policy.require(url));
        let policy = policy.build().unwrap();
        let meta = to_raw_value(&serde_json::json!({ "profiles": urls })).unwrap();
        let offer = Offer::default();
        group.bench_function(BenchmarkId::new("the answer in every result", count), |bencher| {
            bencher.iter(|| {
                let answer = Answer::from_meta(Some(black_box(&meta)));
                policy.check_answer(policy.requested(), &answer, &offer).unwrap()
            });
        });
    }
    group.finish();
}

fn urls(count: usize) -> Vec<ProfileUrl> {
    let url = |number| ProfileUrl::parse(&format!("https://example.com/profiles/{number}"));
    (0..count).map(|number| url(number).unwrap()).collect()
}
