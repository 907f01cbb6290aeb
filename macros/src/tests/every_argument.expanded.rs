#[cfg(feature = "roles")]
pub(crate) async fn assign_roles(tx: &mut Tx) -> anyhow::Result<()> {
    Ok(())
}
#[cfg(feature = "roles")]
const _: () = {
    use my_app::mongrate::__private as __mongrate;
    pub enum PluginWhaleAlerts002AssignRoles {}
    static __MONGRATE_NODE: __mongrate::Registration = {
        let _ = assign_roles;
        __mongrate::Registration {
            key: 184301432798341951117273911510095957322u128,
            id: "plugin:whale-alerts:002_assign_roles",
            visible: &[
                <__mongrate::Id<
                    76015808914937174732263447744609232618u128,
                > as __mongrate::RegisteredOnce<_>>::NODE,
                <__mongrate::Id<
                    204369542627690252161326352905126153202u128,
                > as __mongrate::RegisteredOnce<_>>::NODE,
            ],
            checksum: "t2:54decf1aa0c9302b07efcb4c177bc9fb490d292975d182abd9fcc3f0aace6535",
            up: &__mongrate::Up(
                <&mut Tx as __mongrate::PluginArgument<'_>>::CONFINED,
                <anyhow::Result<()> as __mongrate::Outcome>::boxed,
                assign_roles,
            ),
            file: ::core::file!(),
            line: ::core::line!(),
            source: __mongrate::Source::Plugin("whale-alerts"),
            dependencies: &[
                "001_init",
                "plugin:whale-alerts:003_later",
                "001_create_users",
            ],
            description: "Every user has a role",
            down: ::core::option::Option::Some(__mongrate::Down {
                kind: __mongrate::plugin_kind_of(&__mongrate::reversal(roles::drop)),
                body: {
                    let _ = roles::drop;
                    |__context| {
                        __mongrate::revert(
                            __mongrate::reversal(roles::drop)
                                .call(__mongrate::Argument::from_context(__context)),
                        )
                    }
                },
            }),
            manual: true,
            timeout: ::core::option::Option::Some(
                __mongrate::timeout(<&mut Tx as __mongrate::Argument<'_>>::KIND, 600u64),
            ),
            ..__mongrate::Registration::DEFAULT
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl __mongrate::RegisteredOnce<PluginWhaleAlerts002AssignRoles>
    for __mongrate::Id<184301432798341951117273911510095957322u128> {
        const NODE: __mongrate::NodeRef = __mongrate::NodeRef::new(&__MONGRATE_NODE);
    }
    const _: () = __mongrate::assert_acyclic(
        __mongrate::NodeRef::new(&__MONGRATE_NODE),
        <__mongrate::Id<
            204369542627690252161326352905126153202u128,
        > as __mongrate::RegisteredOnce<_>>::NODE,
    );
    __mongrate::inventory::submit!(
        __mongrate::only_one_migration_has_this_id:: < __mongrate::Id <
        184301432798341951117273911510095957322u128 >, _ > ()
    );
};
