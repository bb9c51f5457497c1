//! What a host that follows answers with `reads = "session"` and `reads = "stale"` while it is behind, and without a leader.

use std::time::Duration;

use shop_tests::json::number;
use shop_tests::{Answer, Client, Link, LinkState, Process, Staff};
use switchyard::clock;

use super::nats::Nats;

/// The number of the last commit that an answer has seen.
const COMMIT: &str = "switchyard-commit";

/// The item whose stock tells how much of the writes a read sees.
const ITEM: &str = "mug-01";

/// How old a stale answer may be: longer than a busy machine takes to kill a host and to ask the other one.
const STALE_MAX: Duration = Duration::from_secs(8);

/// The longest time that one question is repeated.
const REPEATED_MAX: Duration = Duration::from_secs(20);

/// The first host, which leads, and a second one with a link to NATS that can be slow or cut.
struct Pair {
    leader: Process,
    follower: Process,
    link: Link,
    staff: Staff,
    _nats: Nats,
    _folders: [tempfile::TempDir; 2],
}

impl Pair {
    /// Both hosts, which have `reads` and ten pieces of the item.
    async fn start(reads: &str) -> anyhow::Result<Option<Self>> {
        let Some(nats) = Nats::start()? else { return Ok(None) };
        let folders = [tempfile::tempdir()?, tempfile::tempdir()?];
        let link = Link::to(nats.clients()?).await?;
        let stale_ms_max = STALE_MAX.as_millis().to_string();
        let servers = format!("[\"{}\"]", link.address);
        let settings = [
            ("SWITCHYARD_CLUSTER_READS", reads),
            ("SWITCHYARD_CLUSTER_STALE_MS_MAX", stale_ms_max.as_str()),
            // On a busy machine too, the first host goes on to lead.
            ("SWITCHYARD_CLUSTER_LEASE_MS", "5000"),
        ];
        let leader = nats.shop_with("a", folders[0].path(), &settings).await?;
        let staff = leader.staff().await?;
        staff.sell(ITEM, 1250, 10).await?;
        let behind_the_link = [settings.as_slice(), &[("SWITCHYARD_CLUSTER_SERVERS", &servers)]].concat();
        let follower = nats.shop_with("b", folders[1].path(), &behind_the_link).await?;
        let pair = Self { leader, follower, link, staff, _nats: nats, _folders: folders };
        pair.until_the_follower_has(10).await?;
        Ok(Some(pair))
    }

    /// Waits until the follower has so many pieces, and what it needs to read.
    async fn until_the_follower_has(&self, pieces: i64) -> anyhow::Result<()> {
        let begin = clock::now();
        loop {
            let ready = self.follower.operator.ask("GET /readyz").await?.status == 200;
            let found = ask(&self.follower.client, &[]).await?;
            if ready && found.status == 200 && available(found)? == pieces {
                return Ok(());
            }
            anyhow::ensure!(begin.elapsed() < REPEATED_MAX, "the follower does not get {pieces} pieces");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Adds one piece at the leader; returns the number of the commit that the client has seen then.
    async fn receive(&self) -> anyhow::Result<u64> {
        let (line, body) = (format!("POST /items/{ITEM}/receipts"), serde_json::json!({ "quantity": 1 }));
        let answer = self.staff.client.at(&self.leader.client).send(&line, &body).await?;
        let commit = seen(&answer);
        answer.expect(200)?;
        Ok(commit)
    }
}

async fn ask(client: &Client, commits: &[&str]) -> anyhow::Result<Answer> {
    let headers: Vec<_> = commits.iter().map(|commit| (COMMIT, *commit)).collect();
    client.send_with(&format!("GET /items/{ITEM}"), &headers, "").await
}

fn available(answer: Answer) -> anyhow::Result<i64> {
    number(&answer.expect(200)?, "/available")
}

/// The number in the header of an answer; 0 without one.
fn seen(answer: &Answer) -> u64 {
    answer.header(COMMIT).and_then(|commit| commit.parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_sees_its_own_writes_at_a_host_that_is_behind() -> anyhow::Result<()> {
    let Some(pair) = Pair::start("session").await? else { return Ok(()) };
    let follower = &pair.follower.client;
    pair.link.set(LinkState::Slow(Duration::from_millis(200)));
    for pieces in 11..=15 {
        let commit = pair.receive().await?;
        // Nobody told this one of the write.
        let other = ask(follower, &[]).await?;
        assert!(seen(&other) < commit, "the host is not behind");
        // On a busy machine the leader may have answered before, and then it lacks more than one.
        assert!(available(other)? < pieces);
        // The highest number counts, and what is none does not.
        let own = ask(follower, &["1", &commit.to_string(), "none"]).await?;
        assert!(seen(&own) >= commit, "an answer tells what it has seen");
        assert_eq!(available(own)?, pieces);
    }
    // For longer than a read waits: then the leader answers.
    pair.link.set(LinkState::HoldsBack);
    let commit = pair.receive().await?;
    assert_eq!(available(ask(follower, &[&commit.to_string()]).await?)?, 16);
    assert_eq!(available(ask(follower, &[]).await?)?, 15);
    // So it does for a number that no host has.
    pair.link.set(LinkState::Whole);
    assert_eq!(available(ask(follower, &[&u64::MAX.to_string()]).await?)?, 16);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_read_is_answered_here_until_it_would_be_too_old_and_then_by_the_leader() -> anyhow::Result<()> {
    let Some(pair) = Pair::start("stale").await? else { return Ok(()) };
    let follower = &pair.follower.client;
    let is_marked = ask(follower, &[]).await?.header(COMMIT).is_some();
    assert!(!is_marked, "only sessions need the number of a commit");
    // The last sign of the leader comes before this.
    pair.link.set(LinkState::HoldsBack);
    let cut = clock::now();
    pair.receive().await?;
    let first = available(ask(follower, &[]).await?)?;
    assert!(first == 10 || cut.elapsed() > STALE_MAX, "it asked the leader");
    // Then its state is too old, and the leader answers.
    while available(ask(follower, &[]).await?)? == 10 {
        assert!(cut.elapsed() < STALE_MAX + Duration::from_secs(1), "an answer is too old");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(available(ask(follower, &[]).await?)?, 11);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_leader_a_stale_read_is_answered_until_it_would_be_too_old() -> anyhow::Result<()> {
    let Some(pair) = Pair::start("stale").await? else { return Ok(()) };
    // The follower cannot lead, because nothing of NATS reaches it.
    let Pair { leader, follower, link, .. } = pair;
    link.set(LinkState::HoldsBack);
    let cut = clock::now();
    leader.kill().await?;
    let first = ask(&follower.client, &[]).await?;
    assert!(cut.elapsed() > STALE_MAX || available(first)? == 10, "it did not answer itself");
    tokio::time::sleep((STALE_MAX + Duration::from_millis(500)).saturating_sub(cut.elapsed())).await;
    let refused = ask(&follower.client, &[]).await?;
    assert_eq!(refused.status, 503, "{}", refused.body);
    Ok(())
}
