//! The examples at the end of each command's help. A test parses every line of them as a command line.

pub(super) const UP: &str = "\
Examples:
  switchyard up
  switchyard up --manifest shop/switchyard.toml --listen 0.0.0.0:8080 --data /var/lib/shop";

pub(super) const STATUS: &str = "\
Examples:
  switchyard status
  switchyard status cart --watch
  switchyard status --json --watch 10";

pub(super) const DEPLOY: &str = "\
Examples:
  switchyard deploy cart cart.wasm --reason 'rounding of discounts'
  switchyard deploy cart cart.wasm --dry-run
  switchyard deploy cart cart.wasm --shadow 100%
  switchyard deploy cart cart.wasm --weight 10%
  switchyard deploy cart cart.wasm --header x-cart=next
  switchyard deploy cart cart.wasm --steps 1%,10%,50% --every 2m
  switchyard deploy cart cart.wasm --steps 1%,10%,50% --every 2m --wait=20m
  switchyard deploy cart cart.wasm --weight 10% --replace
  switchyard deploy cart other.wasm --handover --shadow --wait=30m
  switchyard deploy --set cart=cart.wasm inventory=inventory.wasm --reason 'bundles'

The signature is read from FILE.sig if it exists. `switchyard sign` creates it.";

pub(super) const PROMOTE: &str = "\
Example:
  switchyard promote cart --reason 'a day without a difference'";

pub(super) const PAUSE: &str = "\
Example:
  switchyard pause cart --reason 'until the sale is over'";

pub(super) const RESUME: &str = "\
Example:
  switchyard resume cart";

pub(super) const WEIGHT: &str = "\
Example:
  switchyard weight cart 30%";

pub(super) const ADD: &str = "\
Examples:
  switchyard add reviews --dry-run
  switchyard add reviews --yes --reason 'customers may review'

All other services stay as they are, whatever the manifest says about them.";

pub(super) const REMOVE: &str = "\
Example:
  switchyard remove reviews

`switchyard drop` then deletes its store for good.";

pub(super) const LOGS: &str = "\
Examples:
  switchyard logs
  switchyard logs cart --follow
  switchyard logs --request 4f2a9b70 --json

The host keeps the last 32 MiB, also over restarts, without the lines of the access log. `host.log_filter` decides what is
logged.";

pub(super) const VERSION: &str = "\
Examples:
  switchyard version
  switchyard version --of-host --json";

pub(super) const SERVICES: &str = "\
Example:
  switchyard services";

pub(super) const ABORT: &str = "\
Example:
  switchyard abort cart --reason 'prices differ'";

pub(super) const SETTLE: &str = "\
Example:
  switchyard settle inventory --reason 'a week without a problem'";

pub(super) const ROLLBACK: &str = "\
Examples:
  switchyard rollback cart
  switchyard rollback cart --to 3f2a91c0 --reason 'the last one with correct totals'
  switchyard rollback cart --after-intents=2m";

pub(super) const HISTORY: &str = "\
Examples:
  switchyard history
  switchyard history cart --limit 200 --json";

pub(super) const EVENTS: &str = "\
Examples:
  switchyard events
  switchyard events cart
  switchyard events replay cart shipping.42.0 --reason 'the release of today takes it'
  switchyard events drop cart --all";

pub(super) const SCHEDULES: &str = "\
Examples:
  switchyard schedules
  switchyard schedules inventory --json";

pub(super) const SIGN: &str = "\
Examples:
  switchyard sign --new-key release.key
  switchyard sign cart.wasm --key release.key --service cart

The manifest lists the keys that may sign:
  [deploy]
  signers = [\"ed25519:…\"]";

pub(super) const TOKEN: &str = "\
Examples:
  switchyard token add ci --role deployer --service cart --service inventory
  switchyard token list
  switchyard token revoke ci";

pub(super) const CLUSTER: &str = "\
Examples:
  switchyard cluster status
  switchyard cluster status --watch 5
  switchyard cluster step-down
  switchyard cluster remove node-3

Any host of the cluster takes these commands, except reseed, which reads the data directory of a stopped host.";

pub(super) const RESEED: &str = "\
Examples:
  switchyard cluster reseed --plan --manifest /etc/switchyard/switchyard.toml
  switchyard cluster reseed --yes --json

Stop all hosts, run it with --plan on each, and then without on the one with the highest commit. Start the hosts again:
those with fewer commits load what they lack, and those with others refuse and keep their data.
Exit code 7: nothing is wrong with the stream, and nothing was changed.";

pub(super) const APPLY: &str = "\
Examples:
  switchyard apply --dry-run
  switchyard apply --yes --reason 'add gift cards'
  switchyard apply --reset-releases

A release that was deployed after the last apply stays, unless you say --reset-releases.";

pub(super) const DROP: &str = "\
Example:
  switchyard drop blog";

pub(super) const STORES: &str = "\
Example:
  switchyard stores";

pub(super) const INTENTS: &str = "\
Examples:
  switchyard intents
  switchyard intents retry 5d1f09a2
  switchyard intents retry 5d1f09a2 --live
  switchyard intents give-up 5d1f09a2 --reason 'refunded by hand'

After a failure or a crash, the host runs a call that had effects in another service again until it ends.";

pub(super) const CHECK: &str = "\
Example:
  switchyard check cart.wasm --contract shop:cart/cart-service";

pub(super) const WIT: &str = "\
Example:
  switchyard wit --contract shop:cart/cart-service --out component/wit";

pub(super) const CALL: &str = "\
Examples:
  switchyard call inventory get-item '{\"sku\":\"mug\"}'
  switchyard call inventory expire-reservations";

pub(super) const CONFIG: &str = "\
Examples:
  switchyard config
  switchyard config --check
  switchyard config --defaults";

pub(super) const COMPLETIONS: &str = "\
Example:
  switchyard completions bash";

pub(super) const BACKUP: &str = "\
Examples:
  switchyard backup /var/backups/shop/monday
  switchyard backup /var/backups/shop/monday --json

The host writes the folder on its own machine. The folder must be empty or not exist, and its parent must exist. Only the
host's user can read it. The admin token is not part of a backup: a restored host creates a new one.";

pub(super) const RESTORE: &str = "\
Examples:
  switchyard restore /var/backups/shop/monday --data data
  switchyard restore /var/backups/shop/monday --at 2026-11-23T17:04:00Z --archive /var/archive/shop --data data
  switchyard restore /var/backups/shop/monday --at end --archive /var/archive/shop --old-data data.broken --data data

Nothing is overwritten: the data directory must be empty or not exist. The releases are those of the point that you
restore. The restored journal is a new one: make a new backup soon.";

pub(super) const EXPORT: &str = "\
Examples:
  switchyard export inventory --out inventory.jsonl.gz
  switchyard export cart";

pub(super) const IMPORT: &str = "\
Examples:
  switchyard import inventory inventory.jsonl.gz --dry-run
  switchyard import inventory inventory.jsonl.gz --reason 'moved from another host'";

pub(super) const STORE: &str = "\
Examples:
  switchyard store scan cart cart/ --limit 20
  switchyard store get cart cart/01J9ZC --as hex
  switchyard store set cart flag/new-totals on --reason 'found by support'
  switchyard store set cart cart/01J9ZC --file cart.hex --as hex --if-digest none
  switchyard store delete cart cart/01J9ZC --yes

Keys and values are those of the component: no contract describes them, and nothing checks a new value. Prefer a function
of the service, or `switchyard import`.";

pub(super) const JOURNAL: &str = "\
Examples:
  switchyard journal verify
  switchyard journal verify /var/archive/shop/0123456789abcdef0123456789abcdef
  switchyard journal show --from 1200 --service cart
  switchyard journal show --values --json";
