#[allow(clippy::unused_async)]
#[cfg(feature = "roles")]
pub(crate) async fn assign_roles(tx: &mut Tx) -> anyhow::Result<()> {
    Ok(())
}
#[cfg(feature = "roles")]
const _: () = {
    #[allow(non_camel_case_types, unreachable_pub)]
    pub enum _plugin_whale_alerts_002_assign_roles {}
    static NODE: my_app::mongrate::__private::Node = {
        my_app::mongrate::__private::only_one_migration_has_this_id::<
            my_app::mongrate::__private::Id<184301432798341951117273911510095957322u128>,
            _,
        >();
        my_app::mongrate::__private::Node {
            key: 184301432798341951117273911510095957322u128,
            id: "plugin:whale-alerts:002_assign_roles",
            dependencies: &[
                <my_app::mongrate::__private::Id<
                    76015808914937174732263447744609232618u128,
                > as my_app::mongrate::__private::RegisteredOnce<_>>::NODE,
                <my_app::mongrate::__private::Id<
                    204369542627690252161326352905126153202u128,
                > as my_app::mongrate::__private::RegisteredOnce<_>>::NODE,
            ],
        }
    };
    #[automatically_derived]
    #[diagnostic::do_not_recommend]
    impl my_app::mongrate::__private::RegisteredOnce<
        _plugin_whale_alerts_002_assign_roles,
    > for my_app::mongrate::__private::Id<184301432798341951117273911510095957322u128> {
        const NODE: my_app::mongrate::__private::NodeRef = my_app::mongrate::__private::NodeRef::new(
            &raw const NODE,
        );
    }
    const _: () = my_app::mongrate::__private::assert_acyclic(
        my_app::mongrate::__private::NodeRef::new(&raw const NODE),
        <my_app::mongrate::__private::Id<
            204369542627690252161326352905126153202u128,
        > as my_app::mongrate::__private::RegisteredOnce<_>>::NODE,
    );
    my_app::mongrate::__private::inventory::submit!(
        my_app::mongrate::__private::Registration { id :
        "plugin:whale-alerts:002_assign_roles", source :
        my_app::mongrate::__private::Source::Plugin("whale-alerts"), dependencies : &
        ["001_init", "plugin:whale-alerts:003_later", "001_create_users"], description :
        "Every user has a role", checksum :
        "t1:54decf1aa0c9302b07efcb4c177bc9fb490d292975d182abd9fcc3f0aace6535", kind :
        my_app::mongrate::__private::plugin_kind:: < & mut Tx > (), up : | context |
        my_app::mongrate::__private::run(assign_roles(< & mut Tx as
        my_app::mongrate::__private::Argument < '_ >> ::from_context(context)), <
        anyhow::Result < () > as my_app::mongrate::__private::Outcome > ::boxed), down :
        ::core::option::Option::Some(my_app::mongrate::__private::Down { kind :
        my_app::mongrate::__private::plugin_kind_of(roles::drop), body : | context |
        my_app::mongrate::__private::run((roles::drop)
        (my_app::mongrate::__private::Argument::from_context(context)),
        my_app::mongrate::__private::Outcome::boxed), }), irreversible :
        ::core::option::Option::None, manual : true, timeout :
        ::core::option::Option::Some(::core::time::Duration::from_secs(600u64)), file :
        ::core::file!(), line : ::core::line!(), }
    );
};
