# What tools/bundle takes out of a build: cmake --install build/<preset> --component bundle. Our own libraries are found beside
# the program; LibTorch and CUDA come from the server, by the launcher's LD_LIBRARY_PATH.
if(TARGET fluxscope-cli AND TARGET fluxscope_serve)
    set_target_properties(fluxscope-cli PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
    set_target_properties(fluxscope_serve PROPERTIES INSTALL_RPATH "$ORIGIN")
    install(TARGETS fluxscope-cli fluxscope_serve
        RUNTIME DESTINATION bin COMPONENT bundle
        LIBRARY DESTINATION lib COMPONENT bundle)
endif()
