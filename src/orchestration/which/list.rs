//! Lists of a kind of things, as clients ask for them: filtered, as a page, and counted.

/// Writes the body of a kind's lists and their three endpoints: `filter`, `paginate` and `count` (decision 0035). The
/// API's document is made of the handlers' own signatures, so they are no generic functions.
macro_rules! list_endpoints {
    (
        $(#[$about:meta])* $asked:ident of $which:ident, $sorts:literal by $sort:ty, see $needs:ident, tag $tag:literal;
        $of:path => ($some:path, $number:path), $make:path => $body:ident;
        $(#[$filter:meta])* filter $filter_path:literal
        $(#[$paginate:meta])* paginate $paginate_path:literal
        $(#[$count:meta])* count $count_path:literal
    ) => {
        $(#[$about])*
        #[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
        pub struct $asked {
            /// Which.
            #[serde(flatten)]
            pub which: $which,
            #[doc = $sorts]
            pub sort: Option<String>,
            /// Rows at most; 200 unless less is wanted.
            #[schema(maximum = 200)]
            pub limit: Option<u32>,
            /// Rows left out before them.
            pub offset: Option<u32>,
            /// For pages: which one, from 1.
            #[schema(minimum = 1)]
            pub page: Option<u32>,
        }

        impl $asked {
            fn sort(&self) -> Result<$sort> {
                let known = <$sort>::parse;
                let wanted = self.sort.as_deref().map_or(<$sort>::ALL.first().copied(), known);
                wanted.ok_or_else(|| Error::Invalid("sort: there is no such order.".to_owned()))
            }
        }

        $(#[$filter])*
        #[utoipa::path(post, path = $filter_path, tag = $tag,
            request_body = Option<$asked>, responses((status = 200, body = [$body])))]
        pub async fn filter(
            access: WorkspaceAccess<$needs>,
            app: web::Data<App>,
            body: JsonBody<$asked>,
        ) -> Result<HttpResponse> {
            let body = body.parsed()?;
            let (window, sort) = (Window::of(body.limit, body.offset)?, body.sort()?);
            let (workspace, now) = (access.workspace().id, app.now());
            let term = $of(&body.which, workspace)?;
            let some = move |db: &mut Db| Ok($some(db, workspace, term, sort, window)?);
            let found = app.db.read(some).await?;
            let list: Vec<$body> = found.into_iter().map(|row| $make(row, now)).collect();
            Ok(ok(&list))
        }

        $(#[$paginate])*
        #[utoipa::path(post, path = $paginate_path, tag = $tag,
            request_body = Option<$asked>, responses((status = 200, body = Paginated<$body>)))]
        pub async fn paginate(
            access: WorkspaceAccess<$needs>,
            app: web::Data<App>,
            body: JsonBody<$asked>,
        ) -> Result<HttpResponse> {
            let body = body.parsed()?;
            let (window, page) = Window::of_page(body.limit, body.page)?;
            let sort = body.sort()?;
            let (workspace, now) = (access.workspace().id, app.now());
            let term = $of(&body.which, workspace)?;
            let some = move |db: &mut Db| {
                let number = $number(db, workspace, term.clone())?;
                Ok(($some(db, workspace, term, sort, window)?, number))
            };
            let (found, number) = app.db.read(some).await?;
            let list: Vec<$body> = found.into_iter().map(|row| $make(row, now)).collect();
            Ok(ok(&Paginated::of(list, number, (page, window.limit))))
        }

        $(#[$count])*
        #[utoipa::path(post, path = $count_path, tag = $tag,
            request_body = Option<$which>,
            responses((status = 200, body = i64, content_type = "application/json")))]
        pub async fn count(
            access: WorkspaceAccess<$needs>,
            app: web::Data<App>,
            body: JsonBody<$which>,
        ) -> Result<HttpResponse> {
            let workspace = access.workspace().id;
            let term = $of(&body.parsed()?, workspace)?;
            let number = app.db.read(move |db| Ok($number(db, workspace, term)?)).await?;
            Ok(ok(&number))
        }
    };
}
pub(crate) use list_endpoints;

/// Writes the endpoints that both kinds of runs have: their history, the states that one was in, and one of those.
macro_rules! run_endpoints {
    (
        tag $tag:literal, see $needs:ident, of $of:path, queries $queries:ident;
        $(#[$history:meta])* history $history_path:literal
        $(#[$whose:meta])* $param:ident $key:ident of $id:ty, $unsaid:literal
        $(#[$states:meta])* states $states_path:literal
        $(#[$state:meta])* state $state_path:literal
    ) => {
        $(#[$history])*
        #[utoipa::path(post, path = $history_path, tag = $tag,
            request_body = HistoryBody, responses((status = 200, body = [Interval])))]
        pub async fn history(
            access: WorkspaceAccess<$needs>,
            app: web::Data<App>,
            body: JsonBody<HistoryBody>,
        ) -> Result<HttpResponse> {
            let body = body.parsed()?;
            let (span, workspace, now) = (Span::of(&body)?, access.workspace().id, app.now());
            let term = $of(&body.which, workspace)?;
            let rows = move |db: &mut Db| Ok($queries::history(db, workspace, term, span, now)?);
            Ok(ok(&span.intervals(app.db.read(rows).await?)))
        }

        $(#[$whose])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        pub struct $param {
            /// The run.
            pub $key: Uuid,
        }

        $(#[$states])*
        #[utoipa::path(get, path = $states_path, tag = $tag, params($param),
            responses((status = 200, body = [State]), (status = 422, body = Refusal)))]
        pub async fn states(
            access: WorkspaceAccess<$needs>,
            app: web::Data<App>,
            params: Option<web::Query<$param>>,
        ) -> Result<HttpResponse> {
            let params = params.ok_or_else(|| Error::Invalid($unsaid.to_owned()))?;
            let (workspace, id) = (access.workspace().id, <$id>::from(params.$key));
            let found = app.db.read(move |db| $queries::states(db, workspace, id)).await?;
            Ok(ok(&found))
        }

        $(#[$state])*
        #[utoipa::path(get, path = $state_path, tag = $tag, responses((status = 200, body = State)))]
        pub async fn state(
            req: HttpRequest,
            access: WorkspaceAccess<$needs>,
            app: web::Data<App>,
        ) -> Result<HttpResponse> {
            let (workspace, id) = (access.workspace().id, path_id(&req, "id")?);
            let found = app.db.read(move |db| Ok($queries::state(db, workspace, id)?)).await?;
            Ok(ok(&found.ok_or(Error::NotFound)?))
        }
    };
}
pub(crate) use run_endpoints;

/// Writes the endpoints that every kind has for one thing: reading it, and removing it.
macro_rules! item_endpoints {
    (
        see $see:ident, manage $manage:ident, tag $tag:literal;
        $one:path, $make:path => $body:ident, $delete:path;
        $(#[$read:meta])* read $read_path:literal
        $(#[$remove:meta])* remove $remove_path:literal
    ) => {
        $(#[$read])*
        #[utoipa::path(get, path = $read_path, tag = $tag, responses((status = 200, body = $body)))]
        pub async fn read(
            req: HttpRequest,
            access: WorkspaceAccess<$see>,
            app: web::Data<App>,
        ) -> Result<HttpResponse> {
            let (workspace, id) = (access.workspace().id, path_id(&req, "id")?);
            let found = app.db.read(move |db| Ok($one(db, workspace, id)?)).await?;
            Ok(ok(&$make(found.ok_or(Error::NotFound)?, app.now())))
        }

        $(#[$remove])*
        #[utoipa::path(delete, path = $remove_path, tag = $tag, responses((status = 204)))]
        pub async fn remove(
            req: HttpRequest,
            access: WorkspaceAccess<$manage>,
            app: web::Data<App>,
            ip: ClientIp,
        ) -> Result<HttpResponse> {
            $delete(&app, access, ip, path_id(&req, "id")?).await?;
            Ok(no_content())
        }
    };
}
pub(crate) use item_endpoints;
