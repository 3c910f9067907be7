//! A mail server of this machine that takes everything and remembers the code in it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How long a mail may take: the sidecar sends four at a time.
const TRIES: u32 = 600;
const PAUSE: Duration = Duration::from_millis(20);

/// The codes so far, by address.
#[derive(Clone, Debug)]
pub(crate) struct Mails {
    pub(crate) port: u16,
    codes: Arc<Mutex<HashMap<String, String>>>,
}

/// Listens.
pub(crate) async fn start() -> Result<Mails> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mails = Mails {
        port: listener.local_addr()?.port(),
        codes: Arc::default(),
    };
    let codes = Arc::clone(&mails.codes);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&codes)));
        }
    });
    Ok(mails)
}

impl Mails {
    /// The code that was mailed there, once it has come.
    pub(crate) async fn code(&self, address: &str) -> Result<String> {
        for _ in 0..TRIES {
            let code = self.lock().remove(address);
            if let Some(code) = code {
                return Ok(code);
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("no mail came to {address}")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// RFC 5321, as much as one client of ours says.
async fn serve(stream: TcpStream, codes: Arc<Mutex<HashMap<String, String>>>) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 bench\r\n").await?;
    let mut to = String::new();
    let mut text: Option<String> = None;
    while let Some(line) = lines.next_line().await? {
        if let Some(so_far) = &mut text {
            if line != "." {
                so_far.push_str(&line);
                so_far.push('\n');
                continue;
            }
            let code = so_far.lines().find_map(|line| {
                let code = line.strip_prefix("    ")?.trim();
                (code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit())).then_some(code)
            });
            if let Some(code) = code {
                let mut codes = codes.lock().unwrap_or_else(PoisonError::into_inner);
                codes.insert(std::mem::take(&mut to), code.to_owned());
            }
            text = None;
            write.write_all(b"250 taken\r\n").await?;
            continue;
        }
        let word: String = line.chars().take(4).collect();
        let said: &[u8] = match word.to_ascii_uppercase().as_str() {
            "DATA" => {
                text = Some(String::new());
                b"354 go on\r\n"
            }
            "RCPT" => {
                let inside = line.split(['<', '>']).nth(1);
                inside.unwrap_or_default().clone_into(&mut to);
                b"250 ok\r\n"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 ok\r\n",
        };
        write.write_all(said).await?;
    }
    Ok(())
}
