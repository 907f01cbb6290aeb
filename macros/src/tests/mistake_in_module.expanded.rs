mod create_users {
    async fn up() {}
    const _: () = {
        use ::mongrate::__private as __mongrate;
        pub enum _001CreateUsers {}
        static __MONGRATE_NODE: __mongrate::Registration = {
            __mongrate::Registration {
                key: 137068119165820142138965301204051692090u128,
                id: "001_create_users",
                visible: &[],
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
}
::core::compile_error! {
    "a migration takes one argument\nit is `&mut Tx`, `&mut Schema`, `&Database` or `&Raw`, which decides how it runs\na migration is `async fn name(tx: &mut Tx) -> Result<(), mongrate::Error>`"
}
::core::compile_error! {
    "a migration returns `Result<(), E>`, where `E` is an error of any type\na migration is `async fn name(tx: &mut Tx) -> Result<(), mongrate::Error>`"
}
