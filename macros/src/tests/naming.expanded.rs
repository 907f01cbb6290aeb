async fn assign_roles(tx: &mut Tx) -> Result<(), Error> {
    Ok(())
}
const _: () = {
    use ::mongrate::__private as __mongrate;
    use default_role as _;
    use ::roles::names as _;
    pub enum _002AssignRoles {}
    static __MONGRATE_NODE: __mongrate::Node = {
        let _ = ::core::include_bytes!(
            ::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")
        );
        __mongrate::only_one_migration_has_this_id::<
            __mongrate::Id<326664453191124628875725845689611489484u128>,
            _,
        >();
        __mongrate::Node {
            key: 326664453191124628875725845689611489484u128,
            id: "002_assign_roles",
            dependencies: &[],
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __mongrate::RegisteredOnce<_002AssignRoles>
    for __mongrate::Id<326664453191124628875725845689611489484u128> {
        const NODE: __mongrate::NodeRef = unsafe {
            __mongrate::NodeRef::new(&raw const __MONGRATE_NODE)
        };
    }
    __mongrate::inventory::submit!(
        __mongrate::Registration { id : "002_assign_roles", checksum :
        "t2:fbcf879b6f7fce985b9664a13f7ef4b7ffa9e4685ebedf61f0159c327b2ae27b", kind : < &
        mut Tx as __mongrate::Argument < '_ >> ::KIND, up : { let _ = assign_roles; |
        __context | __mongrate::run(assign_roles(< & mut Tx as __mongrate::Argument < '_
        >> ::from_context(__context)), < Result < (), Error > as __mongrate::Outcome >
        ::boxed) }, file : ::core::file!(), line : ::core::line!(), verify :
        ::core::option::Option::Some({ let _ = users_have_roles; | __database |
        __mongrate::verify(__mongrate::look(users_have_roles, __database)) }), covers : &
        ["default_role", "::roles::names"], ..__mongrate::Registration::DEFAULT }
    );
};
