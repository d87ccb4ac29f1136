//! What kinds of content have in common that have a name of their own in their workspace.

/// Writes the queries that each of them needs, for a table with `workspace_id`, `id` and `name`: `one`, `named`, `some`
/// by name, `count` and `delete`.
macro_rules! named_queries {
    ($table:ident, $row:ident, $id:ident) => {
        type Query = diesel::dsl::IntoBoxed<'static, $table::table, MultiBackend>;

        fn of(workspace: WorkspaceId) -> Query {
            $table::table.filter($table::workspace_id.eq(workspace)).into_boxed()
        }

        /// The one of an id.
        pub fn one(db: &mut Db, workspace: WorkspaceId, id: $id) -> QueryResult<Option<$row>> {
            of(workspace).filter($table::id.eq(id)).select($row::as_select()).first(db).optional()
        }

        /// The one of a name.
        pub fn named(db: &mut Db, workspace: WorkspaceId, name: &str) -> QueryResult<Option<$row>> {
            let query = of(workspace).filter($table::name.eq(name.to_owned()));
            query.select($row::as_select()).first(db).optional()
        }

        /// Some of a workspace, by name.
        pub fn some(
            db: &mut Db,
            workspace: WorkspaceId,
            window: $crate::base::http::json::Window,
        ) -> QueryResult<Vec<$row>> {
            let query = of(workspace).order(($table::name, $table::id));
            query.limit(window.limit).offset(window.offset).select($row::as_select()).load(db)
        }

        /// How many there are in a workspace.
        pub fn count(db: &mut Db, workspace: WorkspaceId) -> QueryResult<i64> {
            of(workspace).count().get_result(db)
        }

        /// Removes one; returns whether it was there.
        pub fn delete(db: &mut Db, workspace: WorkspaceId, id: $id) -> QueryResult<bool> {
            let one = $table::table.filter($table::workspace_id.eq(workspace));
            Ok(diesel::delete(one.filter($table::id.eq(id))).execute(db)? > 0)
        }
    };
}
pub(crate) use named_queries;
