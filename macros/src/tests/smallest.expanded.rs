#[allow(clippy::unused_async)]
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
    #[allow(non_camel_case_types, unreachable_pub)]
    pub enum _001_create_users {}
    static NODE: ::mongrate::__private::Node = {
        let _ = ::core::include_bytes!(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")
        );
        ::mongrate::__private::only_one_migration_has_this_id::<
            ::mongrate::__private::Id<137068119165820142138965301204051692090u128>,
            _,
        >();
        ::mongrate::__private::Node {
            key: 137068119165820142138965301204051692090u128,
            id: "001_create_users",
            dependencies: &[],
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl ::mongrate::__private::RegisteredOnce<_001_create_users>
    for ::mongrate::__private::Id<137068119165820142138965301204051692090u128> {
        const NODE: ::mongrate::__private::NodeRef = ::mongrate::__private::NodeRef::new(
            &raw const NODE,
        );
    }
    ::mongrate::__private::inventory::submit!(
        ::mongrate::__private::Registration { id : "001_create_users", source :
        ::mongrate::__private::Source::System, dependencies : & [], description :
        "E-mail addresses are unique.", checksum :
        "t1:e67f2b0b00cc7fc4f2d957997256a02858cdaa92f55882ece1a947cb0ef1b1e1", kind : < &
        mut Schema as ::mongrate::__private::Argument < '_ >> ::KIND, up : | context |
        ::mongrate::__private::run(create_users(< & mut Schema as
        ::mongrate::__private::Argument < '_ >> ::from_context(context)), < Result < (),
        mongrate::Error > as ::mongrate::__private::Outcome > ::boxed), down :
        ::core::option::Option::None, irreversible : ::core::option::Option::None, manual
        : false, timeout : ::core::option::Option::None, file : ::core::file!(), line :
        ::core::line!(), }
    );
};
