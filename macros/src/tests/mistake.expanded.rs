async fn create_users(tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
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
::core::compile_error! {
    "`soon` is not a duration: write a positive whole number followed by `s`, `m` or `h`, like `90s`, `10m` or `2h`"
}
