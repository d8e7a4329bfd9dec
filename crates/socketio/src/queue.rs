//! A queue bounded twice: by how many items are in it, and by how many bytes.
//!
//! A count alone would let a thousand items of a megabyte each pile up; bytes
//! alone, a million tiny ones. An item larger than the whole allowance fits
//! when it is alone.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// A queue for at most `items`, and about `bytes` in them.
pub(crate) fn queue<T>(items: usize, bytes: usize) -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = mpsc::channel(items.max(1));
    let limit = u32::try_from(bytes).unwrap_or(u32::MAX).max(1);
    let room = Arc::new(Semaphore::new(
        usize::try_from(limit).unwrap_or(Semaphore::MAX_PERMITS),
    ));
    (Sender { tx, room, limit }, Receiver { rx })
}

pub(crate) struct Sender<T> {
    tx: mpsc::Sender<Weighed<T>>,
    room: Arc<Semaphore>,
    limit: u32,
}

struct Weighed<T> {
    item: T,
    _room: OwnedSemaphorePermit,
}

/// Why an item was not taken, and the item.
#[derive(Debug)]
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// The reader is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl<T> Sender<T> {
    pub(crate) fn try_send(&self, item: T, bytes: usize) -> Result<(), Refused<T>> {
        if self.tx.is_closed() {
            return Err(Refused::Closed(item));
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(self.weight(bytes)) else {
            return Err(Refused::Full(item));
        };
        self.tx
            .try_send(Weighed { item, _room: room })
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(weighed) => Refused::Full(weighed.item),
                mpsc::error::TrySendError::Closed(weighed) => Refused::Closed(weighed.item),
            })
    }

    /// Waits for room. Dropping the future gives the place in the line up.
    pub(crate) async fn reserve(&self, bytes: usize) -> Result<Slot<T>, Gone> {
        let weight = self.weight(bytes);
        let room = tokio::select! {
            room = Arc::clone(&self.room).acquire_many_owned(weight) => room.map_err(|_| Gone)?,
            () = self.tx.closed() => return Err(Gone),
        };
        let place = self.tx.clone().reserve_owned().await.map_err(|_| Gone)?;
        Ok(Slot { place, room })
    }

    fn weight(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.limit)
    }
}

/// Room for one item.
pub(crate) struct Slot<T> {
    place: mpsc::OwnedPermit<Weighed<T>>,
    room: OwnedSemaphorePermit,
}

impl<T> Slot<T> {
    pub(crate) fn put(self, item: T) {
        self.place.send(Weighed {
            item,
            _room: self.room,
        });
    }
}

pub(crate) struct Receiver<T> {
    rx: mpsc::Receiver<Weighed<T>>,
}

impl<T> Receiver<T> {
    pub(crate) async fn recv(&mut self) -> Option<T> {
        self.rx.recv().await.map(|weighed| weighed.item)
    }

    pub(crate) fn try_recv(&mut self) -> Option<T> {
        self.rx.try_recv().ok().map(|weighed| weighed.item)
    }

    /// Takes no more in; what is in the queue can still be received.
    pub(crate) fn close(&mut self) {
        self.rx.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_bounds_hold() {
        let (tx, mut rx) = queue(2, 100);
        tx.try_send("a", 1).unwrap();
        tx.try_send("b", 1).unwrap();
        assert!(matches!(tx.try_send("c", 1), Err(Refused::Full("c"))));
        assert_eq!(rx.recv().await, Some("a"));
        assert!(matches!(tx.try_send("c", 100), Err(Refused::Full("c"))));
        assert_eq!(rx.recv().await, Some("b"));
        tx.try_send("larger than all", 1_000).unwrap();
        assert!(matches!(tx.try_send("d", 1), Err(Refused::Full("d"))));
        assert_eq!(rx.recv().await, Some("larger than all"));
        tx.reserve(1).await.unwrap().put("d");
        assert_eq!(rx.try_recv(), Some("d"));
    }

    #[tokio::test]
    async fn one_who_waits_hears_that_the_reader_left() {
        let (tx, rx) = queue(1, 10);
        tx.try_send("a", 10).unwrap();
        let (waited, ()) = tokio::join!(tx.reserve(1), async { drop(rx) });
        assert!(waited.is_err());
        assert!(matches!(tx.try_send("b", 1), Err(Refused::Closed("b"))));
    }
}
