//! Plays a case on a database of its own, and holds each step against the model.

use std::collections::BTreeSet;

use mongodb::bson::{DateTime, Document, doc};
use mongrate::history::Act;
use mongrate::options::Policy;
use mongrate_tests::drawn::{Drawing, fail, prepare, relent};
use mongrate_tests::stored::count;
use mongrate_tests::{TestDb, Worker};
use proptest::test_runner::TestCaseError;

use super::case::{Action, Case, Doing, How};
use super::check;
use super::observe::{Lock, Seen};
use super::rules::{Outcome, Rules};
use super::state::Entry;
use super::words::answer;

/// A case while it is played.
pub(super) struct Play {
    pub(super) db: TestDb,
    /// As its code is now.
    pub(super) drawing: Drawing,
    pub(super) seen: Seen,
}

pub(super) async fn play(case: &Case) -> Result<(), TestCaseError> {
    let db = TestDb::new().await;
    prepare(&db).await;
    db.collection::<Document>("precious").insert_one(doc! { "_id": "somebody else's" }).await.unwrap();
    let mut play = Play { db, drawing: case.drawing.clone(), seen: Seen::default() };
    let mut result = Ok(());
    for (number, action) in case.actions.iter().enumerate() {
        result = play.act(action).await;
        if let Err(reason) = result {
            result = Err(format!("action {}: {reason}", number + 1));
            break;
        }
    }
    // What a process that was killed has locked would be in the way of dropping the database.
    play.drawing.migrator(&play.db, &BTreeSet::new()).build().unwrap().force_unlock().await.unwrap();
    let left = count(&play.db, "precious", doc! { "_id": "somebody else's" }).await;
    result = result.and(check::that(left == 1, || "I7: what is not ours is lost".to_owned()));
    result.map_err(TestCaseError::fail)
}

impl Play {
    async fn act(&mut self, action: &Action) -> Result<(), String> {
        let before = std::mem::take(&mut self.seen);
        let (outcomes, answers) = match action {
            Action::Change(place) => {
                self.drawing.0[*place].version += 1;
                let unchanged = Outcome { world: before.world.clone(), answers: Some(Vec::new()), leases: 0 };
                (vec![unchanged], Some(Vec::new()))
            }
            Action::Unlock => (vec![self.unlock(&before).await?], Some(Vec::new())),
            Action::Do(doing) => self.perform(doing, &before).await,
        };
        self.seen = Seen::now(&self.db, &self.drawing).await;
        let outcome = check::one_of(outcomes, answers.as_deref(), &self.seen)?;
        check::appended(self, &before, action)?;
        check::lock(&before, &self.seen, &outcome, action)?;
        check::reads(self).await
    }

    async fn unlock(&self, before: &Seen) -> Result<Outcome, String> {
        let migrator = self.drawing.migrator(&self.db, &BTreeSet::new()).build().unwrap();
        let holder = migrator.force_unlock().because("a test").await.unwrap();
        check::that(holder.is_some() == before.lock.held, || format!("force_unlock found {holder:?}"))?;
        let mut world = before.world.clone();
        if before.lock.held {
            let (place, status, batch, version) = (None, None, None, None);
            world.history.push(Entry {
                act: Act::Unlock,
                place,
                status,
                batch,
                attempts: 0,
                version,
                has_error: false,
            });
        }
        Ok(Outcome { world, answers: Some(Vec::new()), leases: 0 })
    }

    /// Does it, and gives what may have come of it according to the model, and what those who did it were told.
    async fn perform(&self, doing: &Doing, before: &Seen) -> (Vec<Outcome>, Option<Vec<String>>) {
        let rules = Rules::of(&self.drawing, doing);
        let policy = if doing.strict { Policy::Error } else { Policy::Warn };
        let migrator = || self.drawing.migrator(&self.db, &doing.without).drift(policy).build().unwrap();
        let (world, deed) = (&before.world, &doing.deed);
        match doing.how {
            How::Alone => {
                let answers = vec![answer(&deed.perform(&self.drawing, &migrator()).await)];
                (vec![rules.once(world, deed)], Some(answers))
            }
            How::Failing { step, panic } => {
                let (rules, place) = rules.failing(world, deed, step);
                if let Some(place) = place {
                    fail(&self.db, &self.drawing, place, panic).await;
                }
                let answers = vec![answer(&deed.perform(&self.drawing, &migrator()).await)];
                if let Some(place) = place {
                    relent(&self.db, &self.drawing, place).await;
                }
                (vec![rules.once(world, deed)], Some(answers))
            }
            How::Twice => {
                let (one, other) = (migrator(), migrator());
                let (one, other) = tokio::join!(deed.perform(&self.drawing, &one), deed.perform(&self.drawing, &other));
                (rules.twice(world, deed), Some(vec![answer(&one), answer(&other)]))
            }
            How::Killed(command) => {
                self.kill(doing, command).await;
                (rules.killed(world, deed), None)
            }
        }
    }

    /// Has a process do it that is killed before it sends its n-th command.
    async fn kill(&self, doing: &Doing, command: u32) {
        let json = |value: serde_json::Result<String>| value.unwrap();
        let (drawing, without, deed) = (
            json(serde_json::to_string(&self.drawing)),
            json(serde_json::to_string(&doing.without)),
            json(serde_json::to_string(&doing.deed)),
        );
        let place = format!("command {command}");
        let mut worker =
            Worker::start(&["drawn", self.db.uri(), self.db.name(), &drawing, &without, &deed, "die", &place]);
        let _ = worker.rest().await;
        worker.finish().await;
        // Its lease is over, as if time had passed.
        let over = doc! { "$set": { "expiresAt": DateTime::from_millis(0) } };
        let lock = self.db.collection::<Document>("migrations_lock");
        lock.update_one(doc! { "_id": "lease", "holder": { "$ne": null } }, over).await.unwrap();
    }
}

impl Lock {
    /// What a verb that did something leaves.
    pub(super) fn is_free(self) -> bool {
        !self.held && self.fence == self.token
    }
}
