(() => { const config = __CONSENT_CONFIG__; console.log(config); })();
