//! Sessions from the pass that earned them to their first use, the last step of the funnel.

use sqlx::Row as _;

use super::{StoreError, Tx, bulk, signed, text};

/// Remembers a session that was earned.
pub(super) async fn remember(
    tx: &mut Tx,
    session: &str,
    event_id: &str,
    received_ms: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO earned_sessions (session, event_id, received_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (session) DO NOTHING",
    )
    .bind(text(session))
    .bind(event_id)
    .bind(signed(received_ms))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The challenges whose sessions are among these and are used for the first time.
pub(super) async fn take_first_uses(
    tx: &mut Tx,
    sessions: &[&str],
) -> Result<Vec<String>, StoreError> {
    let mut challenges = Vec::new();
    for stretch in bulk::stretches(sessions) {
        let sql = bulk::list(
            "DELETE FROM earned_sessions WHERE session IN",
            stretch.len(),
            " RETURNING event_id",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for session in stretch {
            query = query.bind(text(session));
        }
        for row in query.fetch_all(&mut **tx).await? {
            challenges.push(row.try_get("event_id")?);
        }
    }
    Ok(challenges)
}
