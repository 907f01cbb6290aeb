//! As many migrations as wanted, made at run time in the way the macro makes them.

use mongodb::bson::{Document, doc};
use mongrate::__private::{Argument, Down, Kind, Registration};
use mongrate::{Migration, Registry, Tx};

/// The checksum of all of them.
pub(crate) const CHECKSUM: &str = "t2:0000000000000000000000000000000000000000000000000000000000000000";

/// `count` migrations without dependencies, each of which inserts one document into `effects`.
pub(crate) fn inserting(count: usize) -> Registry {
    (0..count).map(|number| leak(id(number), &[])).collect()
}

/// `layers` times `width` migrations, each of which depends on three of the layer before.
pub(crate) fn layered(layers: usize, width: usize) -> Registry {
    let ids: Vec<&'static str> = (0..layers * width).map(id).collect();
    let below = |number: usize| {
        let (layer, place) = (number / width, number % width);
        let three = if layer == 0 { 0..0 } else { 0..3 };
        three.map(|step| ids[(layer - 1) * width + (place * 7 + step * 31) % width]).collect::<Vec<_>>()
    };
    (0..layers * width).map(|number| leak(ids[number], below(number).leak())).collect()
}

/// A chain in which each migration depends on the one before.
pub(crate) fn chain(count: usize) -> Registry {
    layered_by_one(&(0..count).map(id).collect::<Vec<_>>())
}

fn layered_by_one(ids: &[&'static str]) -> Registry {
    let first = ids.iter().take(1).map(|id| leak(id, &[]));
    let rest = ids.windows(2).map(|pair| leak(pair[1], vec![pair[0]].leak()));
    first.chain(rest).collect()
}

fn id(number: usize) -> &'static str {
    format!("{:08}-bench_{number}", 20_000_101 + number).leak()
}

fn leak(id: &'static str, dependencies: &'static [&'static str]) -> Migration {
    Migration::new(Box::leak(Box::new(Registration {
        id,
        dependencies,
        checksum: CHECKSUM,
        down: Some(Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) }),
        up: &Down {
            kind: Kind::Tx,
            body: |context| {
                Box::pin(async move {
                    let effects = <&mut Tx>::from_context(context).collection::<Document>("effects");
                    effects.insert_one(doc! { "by": 1 }).await?;
                    Ok(())
                })
            },
        },
        file: file!(),
        line: line!(),
        ..Registration::DEFAULT
    })))
}
