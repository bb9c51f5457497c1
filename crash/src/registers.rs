//! Registers of the shop, read and written by many clients at once while the host dies: lines of carts, and a price.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use shop_tests::Client;
use shop_tests::json::list;

use crate::act::Act;
use crate::ask::{Asker, without_key};
use crate::linear::{Content, Effect, Operation, first_wrong};
use crate::plan::Touch;

/// The item in the carts, whose price is a register.
pub(crate) const SKU: &str = "register-01";

/// Its first price, in cents.
pub(crate) const FIRST_CENTS: u32 = 100_000;

#[derive(Debug)]
enum Place {
    /// The quantity of the item in this cart of a guest.
    Line {
        cart: String,
    },
    Price,
}

/// One register, and its observed operations.
#[derive(Debug)]
struct Register {
    place: Place,
    initial: Content,
    written: AtomicU32,
    history: Mutex<Vec<Operation>>,
}

/// The registers of one round.
#[derive(Debug)]
pub(crate) struct Registers {
    all: Vec<Register>,
    clock: AtomicU64,
    /// Refused writes; none should be refused.
    refusals: Mutex<Vec<String>>,
}

impl Registers {
    /// Registers that no other client uses: empty carts, and the price of the item. The price is only written to more
    /// than `cents`.
    pub(crate) async fn new(asker: &mut Asker, client: &Client, cents: u32) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for _ in 1..crate::plan::REGISTERS {
            let cart = shop_tests::json::text(&asker.act(client, Act::OpenCart).await?.body, "/id")?;
            all.push(Register::new(Place::Line { cart }, None, 0));
        }
        let mut price = Register::new(Place::Price, None, cents);
        price.initial = price.content(&asker.read(&price.line(), |doors| doors.public.clone()).await?.expect(200)?)?;
        all.push(price);
        Ok(Self { all, clock: AtomicU64::new(1), refusals: Mutex::default() })
    }

    /// The highest written price.
    pub(crate) fn cents(&self) -> u32 {
        self.all.last().map_or(FIRST_CENTS, |register| register.written.load(Ordering::Relaxed))
    }

    /// Does the operations of the script, with the tokens of `guest` and `staff`.
    pub(crate) async fn touch(
        &self,
        touches: Vec<Touch>,
        guest: Client,
        staff: Client,
        mut asker: Asker,
    ) -> anyhow::Result<()> {
        for touch in touches {
            let (Touch::Write { register, .. } | Touch::Clear { register, .. } | Touch::Read { register }) = touch;
            let Some(register) = self.all.get(register) else { continue };
            let client = if matches!(register.place, Place::Price) { &staff } else { &guest };
            match (touch, register.clear()) {
                (Touch::Write { with_key, .. }, _) => {
                    let (content, act) = register.write();
                    self.write(register, content, act, with_key, client, &mut asker).await?;
                }
                (Touch::Clear { with_key, .. }, Some(act)) => {
                    self.write(register, None, act, with_key, client, &mut asker).await?;
                }
                (Touch::Read { .. }, _) | (_, None) => self.read(register, &mut asker).await?,
            }
        }
        Ok(())
    }

    async fn write(
        &self,
        register: &Register,
        content: Content,
        act: Act,
        with_key: bool,
        client: &Client,
        asker: &mut Asker,
    ) -> anyhow::Result<()> {
        let client_now = client.at(&asker.doors().await?.public);
        let called = self.now();
        let status = match with_key {
            true => asker.act(client, act).await?.status,
            // Sent once: without an answer it may have happened or not.
            false => without_key(&client_now, &act).await.map_or(500, |answer| answer.status.as_u16()),
        };
        if status != 200 && status < 500 {
            let line = register.line();
            self.refusals().push(format!("{line}: a write got {status}"));
        }
        let answered = (status == 200).then(|| self.now());
        register.saw(Operation { called, answered, effect: Effect::Write(content) });
        Ok(())
    }

    async fn read(&self, register: &Register, asker: &mut Asker) -> anyhow::Result<()> {
        let client = asker.doors().await?.public;
        let called = self.now();
        // A read without an answer shows nothing.
        if let Ok(answer) = client.ask(&register.line()).await
            && answer.status.is_success()
        {
            let effect = Effect::Read(register.content(&answer.body)?);
            register.saw(Operation { called, answered: Some(self.now()), effect });
        }
        Ok(())
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Reads each register once more, and searches an order that explains everything. Returns the violations, and the
    /// number of operations.
    pub(crate) async fn check(&self, asker: &mut Asker) -> anyhow::Result<(Vec<String>, usize)> {
        let (mut wrong, mut count) = (std::mem::take(&mut *self.refusals()), 0);
        for register in &self.all {
            self.read(register, asker).await?;
            let history = register.history.lock().unwrap_or_else(PoisonError::into_inner);
            count += history.len();
            if let Some(operation) = first_wrong(register.initial, &history) {
                let line = register.line();
                wrong.push(format!("{line}: no order of {} operations has {operation:?}", history.len()));
            }
        }
        Ok((wrong, count))
    }
}

impl Register {
    fn new(place: Place, initial: Content, written: u32) -> Self {
        Self { place, initial, written: AtomicU32::new(written), history: Mutex::default() }
    }

    fn saw(&self, operation: Operation) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(operation);
    }

    /// The next content, which the register never had before, and the request that writes it.
    fn write(&self) -> (Content, Act) {
        let next = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let sku = SKU.to_owned();
        let act = match &self.place {
            Place::Line { cart } => Act::SetLine { cart: cart.clone(), sku, quantity: next },
            Place::Price => Act::SetPrice { sku, cents: next },
        };
        (Some(next), act)
    }

    /// The request that empties it, if it can be empty.
    fn clear(&self) -> Option<Act> {
        match &self.place {
            Place::Line { cart } => Some(Act::RemoveLine { cart: cart.clone(), sku: SKU.to_owned() }),
            Place::Price => None,
        }
    }

    fn line(&self) -> String {
        match &self.place {
            Place::Line { cart } => format!("GET /carts/{cart}"),
            Place::Price => format!("GET /items/{SKU}"),
        }
    }

    fn content(&self, body: &Value) -> anyhow::Result<Content> {
        let number = match &self.place {
            Place::Line { .. } => {
                list(body, "/lines")?.iter().find(|line| line["sku"] == SKU).and_then(|line| line["quantity"].as_u64())
            }
            Place::Price => body.pointer("/price/amount").and_then(Value::as_u64),
        };
        Ok(number.map(u32::try_from).transpose()?)
    }
}
