//! What must hold on every page: it can be used with a keyboard, a screen reader and little sight, and fits its window.

use serde_json::Value;

use crate::browser::Browser;

/// Lists what is wrong on the page.
const CHECKS: &str = include_str!("checks.js");

/// Calls its last argument with what axe finds wrong.
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: tags }).then(
      ({ violations }) => done(violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, failureSummary }) =>
        `${html.slice(0, 200)} (${failureSummary.replaceAll('\\n', ' ').slice(0, 300)})`).join(' | ')}`)),
      (error) => done([String(error)]));";

/// # Errors
///
/// Everything that is wrong, by page.
pub(crate) async fn check(browser: &Browser, axe: Option<&str>, page: &str) -> anyhow::Result<()> {
    browser.settle().await?;
    // A transition's colours are neither those before nor those after it.
    let at_rest = "return document.getAnimations().every((one) => one.playState !== 'running')";
    browser.until("nothing moves", at_rest).await?;
    let mut wrong = list(browser.evaluate(CHECKS).await?);
    if let Some(axe) = axe {
        browser.evaluate(&format!("if (!window.axe) {{ {axe}; window.axe = axe; }}")).await?;
        wrong.extend(list(browser.evaluate_later(RUN_AXE).await?));
    }
    anyhow::ensure!(wrong.is_empty(), "{page}: {}", wrong.join("; "));
    Ok(())
}

fn list(found: Value) -> Vec<String> {
    let Value::Array(found) = found else { return vec![format!("the checks gave {found}")] };
    found.into_iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
}
