async fn create_users(tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
const _: () = {
    #[allow(non_camel_case_types, unreachable_pub)]
    pub enum _001_create_users {}
    static NODE: ::mongrate::__private::Node = {
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
};
::core::compile_error! {
    "`soon` is not a time: write a whole number above zero and `s`, `m` or `h`, like `90s`, `10m` or `2h`"
}
