//! API keys, and the Prefect client's login through the browser.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Script, spawn};

/// A3, A5: a key is made, shown this once, listed, deleted.
#[actix_rt::test]
async fn a_key_is_shown_once() {
    key(Script::On).await;
}

/// The same without scripts.
#[actix_rt::test]
async fn a_key_is_shown_once_without_scripts() {
    key(Script::Off).await;
}

async fn key(script: Script) {
    let app = spawn().await;
    app.user("ada").await.workspace("lab").await;
    let ada = app.browser(script).await;
    ada.sign_in("ada")
        .await
        .open("/profile/api-keys")
        .await
        .shows("No API keys yet")
        .await
        .is_sound("keys-none")
        .await;
    ada.click_link("Create API key").await.is_sound("create-key").await;
    ada.fill("Name", "laptop").await.choose("Limit to", "ada/lab").await.check("Read only").await;
    ada.click_button("Create")
        .await
        .shows("Copy the key now.")
        .await
        .shows("pnu_")
        .await
        .is_sound("key-made")
        .await;
    ada.click_link("I have copied it").await.is_at("/profile/api-keys").await.lacks("pnu_").await;
    ada.shows("laptop").await.is_sound("keys").await;

    ada.open_menu("Options for laptop")
        .await
        .click_link("Delete")
        .await
        .is_sound("delete-key")
        .await;
    ada.click_button("Delete API key")
        .await
        .is_at("/profile/api-keys")
        .await
        .shows("“laptop” was deleted")
        .await;
    ada.open("/profile/activity").await.shows("laptop").await.is_sound("activity").await;
}

/// What the Prefect client does while it waits: answers the preflight, takes one POST, says thanks.
async fn one_call(client: TcpListener) -> String {
    loop {
        let (mut caller, _) = client.accept().await.unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&heard) {
            let read = caller.read(&mut buffer).await.unwrap();
            if read == 0 {
                break;
            }
            heard.extend_from_slice(&buffer[..read]);
        }
        let answer = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: content-type\r\n\
                      Access-Control-Allow-Methods: POST\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        caller.write_all(answer.as_bytes()).await.unwrap();
        let heard = String::from_utf8_lossy(&heard).into_owned();
        if heard.starts_with("POST ") {
            return heard;
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// 1.13: with scripts the page hands the key to the waiting client and doesn't show it any more.
#[actix_rt::test]
async fn the_client_gets_its_key_from_the_page() {
    let app = spawn().await;
    app.user("ada").await;
    let client = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http%3A//localhost%3A{}", client.local_addr().unwrap().port());
    let waiting = actix_rt::spawn(one_call(client));
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada")
        .await
        .open(&format!("/auth/client?callback={callback}"))
        .await
        .is_sound("client")
        .await;
    ada.click_button("Authorize").await.shows("The client has its key").await.lacks("pnu_").await;
    let heard = waiting.await.unwrap();
    assert!(
        heard.starts_with("POST /success ") && heard.contains("{\"api_key\":\"pnu_"),
        "{heard}"
    );
    ada.is_sound("client-done").await;
}

/// 1.13: whoever cancels tells the client so.
#[actix_rt::test]
async fn the_client_is_told_of_a_refusal() {
    let app = spawn().await;
    app.user("ada").await;
    let client = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback = format!("http%3A//localhost%3A{}", client.local_addr().unwrap().port());
    let waiting = actix_rt::spawn(one_call(client));
    let ada = app.browser(Script::On).await;
    ada.sign_in("ada").await.open(&format!("/auth/client?callback={callback}")).await;
    ada.click_link("Cancel").await.is_at("/workspaces").await.console_is_silent().await;
    let heard = waiting.await.unwrap();
    assert!(heard.starts_with("POST /failure ") && heard.contains("\"reason\""), "{heard}");
}

/// 1.13: without scripts the key is shown once, with the command to paste.
#[actix_rt::test]
async fn the_client_s_key_is_shown_where_scripts_are_off() {
    let app = spawn().await;
    app.user("ada").await;
    let ada = app.browser(Script::Off).await;
    ada.sign_in("ada")
        .await
        .open("/auth/client?callback=http%3A//localhost%3A4300")
        .await
        .is_sound("client")
        .await;
    ada.click_button("Authorize")
        .await
        .shows("pnu_")
        .await
        .shows("prefect cloud login")
        .await
        .is_sound("client-done")
        .await;
    ada.open("/auth/client?callback=https%3A//evil.example")
        .await
        .shows("This can’t be authorized")
        .await;
    ada.is_sound("client-refused").await;
}
