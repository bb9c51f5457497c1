//! What both guests that speak HTTP do with their store, their configuration and their caller: a script of actions, such as
//! `set=key:value;get=key`.

mod bindings {
    #![allow(unsafe_code, unreachable_pub, reason = "generated code")]

    wit_bindgen::generate!({
        path: ["../../../wit/service", "../../wit/keyvalue", "../../wit/config"],
        inline: "
            package test:web;
            world web {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:config/store@0.2.0-rc.1;
                import switchyard:service/store@0.1.0;
                import switchyard:service/caller@0.1.0;
                import switchyard:service/call@0.1.0;
            }
        ",
        generate_all,
    });
}

use bindings::switchyard::service::{call, caller, store as service_store};
use bindings::wasi::config::store as config;
use bindings::wasi::keyvalue::{atomics, store};

/// The results of the actions, with commas between them.
pub(crate) fn act(script: &str) -> String {
    script.split(';').filter(|action| !action.is_empty()).map(one).collect::<Vec<_>>().join(",")
}

fn one(action: &str) -> String {
    let (name, argument) = action.split_once('=').unwrap_or((action, ""));
    let (key, value) = argument.split_once(':').unwrap_or((argument, ""));
    let bucket = || store::open("default").expect("there is one");
    let said = match name {
        "get" => bucket().get(key).map(|value| value.map_or("none".into(), |value| text(&value))),
        "set" => bucket().set(key, value.as_bytes()).map(|()| "set".into()),
        "fill" => bucket().set(key, &vec![b'x'; value.parse().expect("a number")]).map(|()| "set".into()),
        "add" => atomics::increment(&bucket(), key, 1).map(|sum| sum.to_string()),
        "open" => store::open(argument).map(|_| "open".into()),
        "service-get" => Ok(service_store::get(key).map_or("none".into(), |value| text(&value))),
        "service-set" => {
            service_store::set(key, value.as_bytes());
            Ok("set".into())
        }
        "config" => Ok(config::get(key).expect("it can be read").unwrap_or("none".into())),
        "configs" => Ok(config::get_all().expect("it can be read").len().to_string()),
        "who" => Ok(caller::current().map_or("nobody".into(), |who| format!("{} {}", who.id, who.role))),
        "new-id" => Ok(call::new_id(key)),
        other => panic!("no such action: {other}"),
    };
    said.unwrap_or_else(|error| match error {
        store::Error::Other(text) => format!("error: {text}"),
        other => format!("error: {other:?}"),
    })
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
