/// E-mail addresses are unique.
async fn create_users(schema: &mut Schema) -> Result<(), mongrate::Error> {
    schema
        .create_index(
            "users",
            doc! {
                "email" : 1
            },
        )
        .unique()
        .await
}
const _: () = {
    use ::mongrate::__private as __mongrate;
    pub enum _001CreateUsers {}
    static __MONGRATE_NODE: __mongrate::Registration = {
        let _ = ::core::include_bytes!("/app/Cargo.toml");
        let _ = create_users;
        __mongrate::Registration {
            key: 137068119165820142138965301204051692090u128,
            id: "001_create_users",
            visible: &[],
            checksum: "t2:e67f2b0b00cc7fc4f2d957997256a02858cdaa92f55882ece1a947cb0ef1b1e1",
            up: &__mongrate::Up(
                <&mut Schema as __mongrate::Argument<'_>>::TAKES,
                <Result<(), mongrate::Error> as __mongrate::Outcome>::boxed,
                create_users,
            ),
            file: ::core::file!(),
            line: ::core::line!(),
            description: "E-mail addresses are unique.",
            ..__mongrate::Registration::DEFAULT
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __mongrate::RegisteredOnce<_001CreateUsers>
    for __mongrate::Id<137068119165820142138965301204051692090u128> {
        const NODE: __mongrate::NodeRef = __mongrate::NodeRef::new(&__MONGRATE_NODE);
    }
    __mongrate::inventory::submit!(
        __mongrate::only_one_migration_has_this_id:: < __mongrate::Id <
        137068119165820142138965301204051692090u128 >, _ > ()
    );
};
